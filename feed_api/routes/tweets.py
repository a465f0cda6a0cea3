"""GET /v1/tweets/{tweet_id}."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from feed_api import conditions, limits, rendering
from feed_api.schemas import IdPath, TweetAnswer
from feed_api.services import Caller, Wired

router = APIRouter()


@router.get(
    "/v1/tweets/{tweet_id}",
    response_model=TweetAnswer,
    summary="One tweet",
    responses=conditions.DOCUMENTED,
    openapi_extra={**limits.declared("read"), "parameters": [conditions.PARAMETER]},
)
async def get_tweet(request: Request, services: Wired, caller: Caller, tweet_id: IdPath) -> Response:
    caller.require("feed")
    services.limits.charge_here(caller.user_id, "read")
    body = rendering.tweet_json(await services.reads.tweet(caller.user_id, tweet_id))
    return conditions.answer(request, conditions.body_tag(body), body)
