"""Slates: the order that a ranked feed's first page pinned, `sl:{user}:slate`, for half an hour."""

from __future__ import annotations

import msgspec
import structlog
from redis.asyncio import Redis

from core.errors import Unavailable
from core.ids import UserId
from stores.redis_client import redis_errors

VERSION = b"\x01"
TTL_S = 30 * 60
SERVED_TTL_S = 7 * 24 * 3600
SERVED_KEPT = 2_000

_logger = structlog.get_logger("slates")


class Slate(msgspec.Struct, frozen=True, array_like=True):
    """A pinned order of n candidates, best first; arrays are little-endian and C-ordered.

    `ids` int64 [n], `heads` float32 [n, n_heads], `scores` float64 [n], `features` float32
    [n, n_features], `rows` uint32 [n, n_views, 2] of (schema id, seq). `as_of_ms` is the moment
    that features were computed for, `floor` the smallest id that was considered: what is older
    follows in time order. `reason` is set where nothing could be scored: the order is then that of
    time, and the arrays of scores are empty.
    """

    slate_id: str
    as_of_ms: int
    floor: int
    model: str
    objective: str
    schema_hash: str
    sources: list[str]
    views: list[str]
    ids: bytes
    heads: bytes
    scores: bytes
    features: bytes
    rows: bytes
    reason: str = ""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Slate)


def slate_key(viewer: int, slate_id: str) -> bytes:
    return b"sl:{%d}:%s" % (viewer, slate_id.encode())


def served_key(viewer: int) -> bytes:
    return b"sn:{%d}" % viewer


def encode_slate(slate: Slate) -> bytes:
    return VERSION + _encoder.encode(slate)


def decode_slate(raw: bytes | None) -> Slate | None:
    """None for a miss, an unknown version and bytes that do not decode."""
    if raw is None or not raw.startswith(VERSION):
        return None
    try:
        return _decoder.decode(memoryview(raw)[1:])
    except msgspec.MsgspecError:
        return None


class SlateStore:
    """Losing a slate is allowed: it is made again without what the viewer was served before."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def put(self, viewer: UserId, slate: Slate) -> None:
        with redis_errors():
            await self._redis.set(slate_key(viewer, slate.slate_id), encode_slate(slate), ex=TTL_S)

    async def get(self, viewer: UserId, slate_id: str) -> Slate | None:
        with redis_errors():
            return decode_slate(await self._redis.get(slate_key(viewer, slate_id)))

    async def served(self, viewer: UserId) -> set[int]:
        """Ids that ranked pages served to the viewer lately, at most 2,000."""
        with redis_errors():
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.lrange(served_key(viewer), 0, SERVED_KEPT - 1)
                (members,) = await pipeline.execute()
        return {int.from_bytes(member, "little") for member in members}

    async def remember_served(self, viewer: UserId, tweet_ids: list[int]) -> None:
        """Fails open: forgetting what was served costs a repeat after a lost slate, nothing else."""
        if not tweet_ids:
            return
        key = served_key(viewer)
        try:
            with redis_errors():
                async with self._redis.pipeline(transaction=False) as pipeline:
                    pipeline.lpush(key, *[tweet_id.to_bytes(8, "little") for tweet_id in tweet_ids])
                    pipeline.ltrim(key, 0, SERVED_KEPT - 1)
                    pipeline.expire(key, SERVED_TTL_S)
                    await pipeline.execute()
        except Unavailable as exc:
            _logger.warning("served_not_remembered", viewer=viewer, error=str(exc))
