"""GET /v1/tweets/{tweet_id}."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from core.errors import NotFound
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
    tweet = (await services.tweet_cache.get_many([tweet_id])).get(tweet_id)
    author = None
    if tweet is not None:
        author = (await services.user_cache.get_many([tweet.author_id])).get(tweet.author_id)
    if tweet is None or author is None:
        raise NotFound("there is no tweet of this id", field="tweet_id")
    body = rendering.tweet_json(tweet, author)
    return conditions.answer(request, conditions.body_tag(body), body)
