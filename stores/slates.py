"""Slates: the order that a ranked feed's first page pinned, `sl:{user}:slate`, for half an hour."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import NamedTuple

import msgspec
import structlog

from core.errors import Unavailable
from core.ids import UserId
from core.packing import VersionedCodec
from stores.redis_client import RedisClient
from stores.redis_commands import command

VERSION = 1
TTL_S = 30 * 60
SERVED_TTL_S = 7 * 24 * 3600
SERVED_KEPT = 2_000
SLATES_A_VIEWER = 8
SLATES_IN_MEMORY = 256
"""About 40 KB each."""

_ID_BYTES = 8
_RECOMMENDED = b"r"

_logger = structlog.get_logger("slates")


class Slate(msgspec.Struct, frozen=True, array_like=True):
    """A pinned order of n candidates, best first; arrays are little-endian and C-ordered.

    `ids` int64 [n], `heads` float32 [n, n_heads], `scores` float64 [n], `features` float32
    [n, n_features], `rows` uint32 [n, n_views, 2] of (schema id, seq). `as_of_ms` is the moment
    that features were computed for, `floor` the smallest id that was considered: what is older
    follows in time order. `reason` is set where not everything could be scored. Where the arrays of
    scores are empty nothing was: the order is then that of an earlier slate, by whose `model` and
    `objective` it is, or of time.

    `multipliers` float64 [n, 3] are what was applied for freshness, source and author diversity (the
    last one after `scores`), `places` int32 [n, 2] the place by `scores` alone, from 0, and how many of
    its author stand above; both are empty in slates of before there were any.

    `shown`, int64, are roots that were recommended and shown in the scroll before this slate took the place
    of one that was lost.

    `seen` float64 [n] is what was applied, beside freshness and source, for what the viewer had looked at
    before; empty in slates of before there was such a thing.
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
    multipliers: bytes = b""
    places: bytes = b""
    shown: bytes = b""
    seen: bytes = b""


class Served(NamedTuple):
    """Ids that were served, and those of them that were recommended."""

    ids: frozenset[int]
    recommended: frozenset[int]


SLATES = VersionedCodec(VERSION, Slate)


def slate_key(viewer: int, slate_id: str) -> bytes:
    return b"sl:{%d}:%s" % (viewer, slate_id.encode())


def served_key(viewer: int) -> bytes:
    return b"sn:{%d}" % viewer


def _member(tweet_id: int, recommended: bool) -> bytes:
    return tweet_id.to_bytes(_ID_BYTES, "little") + (_RECOMMENDED if recommended else b"")


def slates_key(viewer: int) -> bytes:
    return b"sl:{%d}:ids" % viewer


class SlateStore:
    """Slates in Redis, the newest eight a viewer, and those made here in memory as well.

    A slate never changes, so memory cannot be stale; with it a scroll goes on while Redis is away.
    Losing a slate is allowed: it is made again without what the viewer was served before.
    """

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._kept: dict[tuple[int, str], Slate] = {}
        self._surplus: dict[int, list[bytes]] = {}

    async def put(self, viewer: UserId, slate: Slate) -> None:
        """Raises Unavailable where Redis is away."""
        ids = slates_key(viewer)
        _, _, surplus, _, _ = await self._redis.calls(
            [
                command(b"SET", slate_key(viewer, slate.slate_id), SLATES.encode(slate), b"EX", TTL_S),
                command(b"LPUSH", ids, slate.slate_id.encode()),
                command(b"LRANGE", ids, SLATES_A_VIEWER, -1),
                command(b"LTRIM", ids, 0, SLATES_A_VIEWER - 1),
                command(b"EXPIRE", ids, TTL_S),
            ]
        )
        if surplus:
            # Not in a round trip of the request's own, as each first page of a busy viewer would have one.
            old = self._surplus.pop(viewer, [])
            self._surplus[viewer] = [*old, *(slate_key(viewer, one.decode()) for one in surplus)]
        self._kept[viewer, slate.slate_id] = slate
        while len(self._kept) > SLATES_IN_MEMORY:
            del self._kept[next(iter(self._kept))]
        while len(self._surplus) > SLATES_IN_MEMORY:
            del self._surplus[next(iter(self._surplus))]

    async def get(self, viewer: UserId, slate_id: str) -> Slate | None:
        """None where it is lost; raises Unavailable where it cannot be known."""
        kept = self._kept.get((viewer, slate_id))
        if kept is not None:
            return kept
        return SLATES.decode(await self._redis.call(command(b"GET", slate_key(viewer, slate_id))))

    async def newest(self, viewer: UserId) -> Slate | None:
        """The one that was put last, as far as this process knows; None where there is none any more.

        Raises Unavailable where it cannot be known.
        """
        for (whose, _), slate in reversed(self._kept.items()):
            if whose == viewer:
                return slate
        slate_id = await self._redis.call(command(b"LINDEX", slates_key(viewer), 0))
        return None if slate_id is None else await self.get(viewer, slate_id.decode())

    async def served(self, viewer: UserId) -> Served:
        """What ranked pages served to the viewer lately, at most 2,000 ids."""
        members = await self._redis.call(command(b"LRANGE", served_key(viewer), 0, SERVED_KEPT - 1))
        ids = [int.from_bytes(member[:_ID_BYTES], "little") for member in members]
        marked = zip(ids, members, strict=True)
        return Served(
            frozenset(ids), frozenset(one for one, member in marked if member[_ID_BYTES:] == _RECOMMENDED)
        )

    async def remember_served(
        self, viewer: UserId, tweet_ids: Sequence[int], recommended: Set[int] = frozenset()
    ) -> None:
        """`recommended` are those of them that came from elsewhere than the viewer's network.

        Off the request: slates that were one too many go now, so that one viewer who begins anew again
        and again does not fill the memory; what is forgotten here expires.
        Fails open: forgetting what was served costs a repeat after a lost slate, nothing else.
        """
        if not tweet_ids:
            return
        key = served_key(viewer)
        surplus = self._surplus.pop(viewer, [])
        try:
            await self._redis.calls(
                [
                    command(b"LPUSH", key, *[_member(one, one in recommended) for one in tweet_ids]),
                    command(b"LTRIM", key, 0, SERVED_KEPT - 1),
                    command(b"EXPIRE", key, SERVED_TTL_S),
                    *([command(b"UNLINK", *surplus)] if surplus else []),
                ]
            )
        except Unavailable as exc:
            _logger.warning("served_not_remembered", viewer=viewer, error=str(exc))
