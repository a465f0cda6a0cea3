"""POST /v1/tweets and GET /v1/tweets/{tweet_id}."""

from __future__ import annotations

import hashlib
from typing import Annotated

import structlog
from fastapi import APIRouter, Header, Request, Response

from core.errors import Forbidden, IdempotencyMismatch, InvalidField, Unavailable
from core.ids import TweetId, UserId, id_time_ms
from core.types import Tweet
from eventlog.schema import TweetCreated, record_of
from feed_api import conditions, limits, rendering
from feed_api.schemas import MAX_IDEMPOTENCY_CHARS, IdPath, NewTweet, NewTweetAnswer, TweetAnswer
from feed_api.services import Caller, Services, Wired
from stores.ports import IdempotentAnswer
from timelines.layout import Delivery, push

router = APIRouter()

ROUTE = "POST /v1/tweets"
IDEMPOTENCY_TTL_MS = 24 * 3600 * 1000

_logger = structlog.get_logger("tweets")


@router.post(
    "/v1/tweets",
    status_code=201,
    response_model=NewTweetAnswer,
    summary="Post a tweet",
    openapi_extra=limits.declared("post"),
)
async def post_tweet(
    services: Wired,
    caller: Caller,
    body: NewTweet,
    idempotency_key: Annotated[
        str | None, Header(json_schema_extra={"maxLength": MAX_IDEMPOTENCY_CHARS})
    ] = None,
) -> Response:
    """Answers after the durable write and before fan-out; the author's own feed has it at once."""
    caller.require("write")
    key = _idempotency_key(idempotency_key, body.idempotency_key)
    body_hash = hashlib.blake2b(body.text.encode(), digest_size=16).digest()
    if key is not None:
        first = await services.answers.first(caller.user_id, key, services.clock.now_ms())
        if first is not None:
            return _repeated(first, body_hash)
    await services.limits.charge(caller.user_id, "post", key)
    await _require_profile(services, caller.user_id)

    tweet_id = TweetId(services.mint())
    created_ms = id_time_ms(tweet_id)
    tweet = Tweet(tweet_id, caller.user_id, body.text, created_ms)
    answer = _answer(tweet)
    idempotency = None
    if key is not None:
        expires_ms = services.clock.now_ms() + IDEMPOTENCY_TTL_MS
        idempotency = IdempotentAnswer(key, ROUTE, body_hash, answer, expires_ms)
    event = record_of(TweetCreated.of(tweet), id=tweet_id, ts_ms=created_ms, key=caller.user_id)
    posted = await services.tweets.create(tweet, idempotency, [event])
    if posted.first is not None:
        return _repeated(posted.first, body_hash)
    await _show_to_author(services, tweet)
    return Response(answer, status_code=201, media_type="application/json")


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


def _answer(tweet: Tweet) -> bytes:
    """The 201's body: a pure function of the stored row."""
    return rendering.encode(
        {
            "tweet_id": str(tweet.tweet_id),
            "created_at": rendering.timestamp(tweet.created_ms),
            "author_id": str(tweet.author_id),
            "fan_out_status": "queued",
        }
    )


def _idempotency_key(header: str | None, field: str | None) -> str | None:
    if header is not None and field is not None and header != field:
        raise InvalidField("differs from the Idempotency-Key header", field="idempotency_key")
    key = field if header is None else header
    if key is not None and not (
        1 <= len(key) <= MAX_IDEMPOTENCY_CHARS and key.isascii() and key.isprintable()
    ):
        raise InvalidField(
            "must have 1 to 64 printable ASCII characters",
            field="Idempotency-Key" if field is None else "idempotency_key",
            limit=MAX_IDEMPOTENCY_CHARS,
        )
    return key


def _repeated(first: IdempotentAnswer, body_hash: bytes) -> Response:
    if first.route != ROUTE or first.body_hash != body_hash:
        raise IdempotencyMismatch(
            "this key was used for another request within 24 h; use a new one", field="idempotency_key"
        )
    return Response(first.answer, status_code=201, media_type="application/json")


async def _require_profile(services: Services, user_id: UserId) -> None:
    if user_id not in await services.user_cache.get_many([user_id]):
        raise Forbidden("make a profile first: POST /v1/users", field="Authorization")


async def _show_to_author(services: Services, tweet: Tweet) -> None:
    # Fan-out does it again; this one makes the author's next read show what was just posted.
    try:
        await push(services.redis, [Delivery(tweet.author_id, tweet.tweet_id)])
    except Unavailable as exc:
        _logger.warning("own_timeline_not_pushed", error=str(exc))
