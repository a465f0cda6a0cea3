"""POST and DELETE /v1/tweets/{tweet_id}/like."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response

from core.ids import TweetId
from eventlog.schema import LikeSet
from feed_api import aftermath, idempotency, rendering, versions
from feed_api.idempotency import HeaderKey, WriteRoute, key_of
from feed_api.schemas import IdPath
from feed_api.services import Caller, Services, Wired
from feed_api.short_numbers import short
from feed_api.targets import live_tweet, own_profile
from feed_api.versions import Moment
from feed_api.write_schemas import Act, LikeAnswer
from stores.ports import Written

router = APIRouter()

LIKE = WriteRoute("POST /v1/tweets/{tweet_id}/like", 200, "engage")
UNLIKE = WriteRoute("DELETE /v1/tweets/{tweet_id}/like", 200, "engage")


@router.post(
    "/v1/tweets/{tweet_id}/like",
    response_model=LikeAnswer,
    summary="Like",
    openapi_extra=LIKE.documented(),
)
async def like(
    services: Wired, caller: Caller, header_key: HeaderKey, tweet_id: IdPath, body: Act | None = None
) -> Response:
    return await _set_like(services, caller, LIKE, header_key, body, TweetId(tweet_id))


@router.delete(
    "/v1/tweets/{tweet_id}/like",
    response_model=LikeAnswer,
    summary="Take a like back",
    openapi_extra=UNLIKE.documented(),
)
async def unlike(
    services: Wired, caller: Caller, header_key: HeaderKey, tweet_id: IdPath, body: Act | None = None
) -> Response:
    return await _set_like(services, caller, UNLIKE, header_key, body, TweetId(tweet_id))


async def _set_like(
    services: Services,
    caller: Caller,
    route: WriteRoute,
    header_key: str | None,
    body: Act | None,
    tweet_id: TweetId,
) -> Response:
    """Idempotent: liking twice, or taking back what was not liked, answers alike and changes nothing."""
    caller.require("write")
    user, on = caller.user_id, route is LIKE
    key = key_of(header_key, None if body is None else body.idempotency_key)
    # Asked together, the store is asked once; but what it does not know of the like bars no first answer.
    attempt, had = await asyncio.gather(
        idempotency.begin(services, user, route, key, str(tweet_id)),
        services.engagements.has_liked(user, tweet_id),
        return_exceptions=True,
    )
    if isinstance(attempt, BaseException):
        raise attempt
    if attempt.first is not None:
        return attempt.repeat(attempt.first)
    if isinstance(had, BaseException):
        raise had
    await own_profile(services, user)
    live = await live_tweet(services, user, tweet_id, "tweet_id")
    # The answer is stored with the write, so it is made before: the count as it was, and this one.
    likes = max(live.counts.likes + on - had, int(on))
    answer = rendering.encode(
        {"tweet_id": str(tweet_id), "liked": on, "likes": likes, "likes_display": short(likes)}
    )
    event, kept = LikeSet(user, tweet_id, on, live.tweet.author_id), attempt.keeping(answer)

    async def write(moment: Moment) -> Written:
        record = moment.record(event, tweet_id)
        return await services.engagements.set_like(
            user, tweet_id, on=on, ver=moment.ver, outbox=[record], idempotency=kept
        )

    written, moment = await versions.change(services.mint, write)
    if written.first is not None:
        return attempt.repeat(written.first)
    if written.changed:
        await aftermath.hint(services, tweet_id, "likes", 1 if on else -1, moment.id)
    return route.answer(answer)
