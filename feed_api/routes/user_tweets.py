"""GET /v1/users/{user_id}/tweets."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from core.errors import Unavailable
from core.ids import UserId
from feed_api import conditions, limits, rendering
from feed_api.schemas import IdPath, PageParameters, UserTweetsAnswer
from feed_api.services import Caller, Wired

router = APIRouter()


@router.get(
    "/v1/users/{user_id}/tweets",
    response_model=UserTweetsAnswer,
    summary="A user's tweets, replies and retweets, newest first",
    responses=conditions.DOCUMENTED,
    openapi_extra={**limits.declared("read"), "parameters": [conditions.PARAMETER]},
)
async def get_user_tweets(
    request: Request,
    services: Wired,
    caller: Caller,
    user_id: IdPath,
    parameters: Annotated[PageParameters, Query()],
) -> Response:
    caller.require("feed")
    viewer, user = caller.user_id, UserId(user_id)
    services.limits.charge_here(viewer, "read")
    below = None
    if parameters.cursor is not None:
        below = services.signer.read_user_cursor(viewer, user, parameters.cursor)
    try:
        async with asyncio.timeout(services.options.feed_deadline_ms / 1000):
            shown = await services.reads.of_user(viewer, user, below, parameters.limit + 1)
    except TimeoutError as exc:
        raise Unavailable("the user's tweets took too long to read") from exc
    cursor = None
    if len(shown) > parameters.limit:
        last = shown[parameters.limit - 1].tweet
        cursor = services.signer.user_cursor(viewer, user, last.tweet_id)
    body = rendering.user_tweets_json(shown[: parameters.limit], cursor)
    return conditions.answer(request, conditions.body_tag(body), body)
