"""Whom a viewer follows, as a sorted array: `fs:{user}` in Redis before the graph store.

A change puts up a fence, `fs:{user}:fence`, holding the change's version for a minute: a reader
that fetched the followees before the change cannot fill the cache with them after it.
"""

from __future__ import annotations

import struct

import numpy as np

from core.ids import UserId
from stores.ports import Followees, GraphStore
from stores.redis_client import RedisClient

VERSION = 1
TTL_S = 24 * 3600
FENCE_S = 60

_HEADER = struct.Struct("<Bq")

# Versions are compared as strings of equal length: Lua's numbers are doubles and end at 2^53.
_FILL = """
local fence = redis.call('GET', KEYS[2])
if fence and fence > ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""
_INVALIDATE = """
local fence = redis.call('GET', KEYS[2])
if not fence or fence < ARGV[1] then redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2]) end
return redis.call('DEL', KEYS[1])
"""


def followees_key(viewer: int) -> bytes:
    return b"fs:{%d}" % viewer


def fence_key(viewer: int) -> bytes:
    return b"fs:{%d}:fence" % viewer


def encode_followees(followees: Followees) -> bytes:
    """Version, the newest change's version, then the ids: sorted int64, little-endian."""
    return _HEADER.pack(VERSION, followees.ver) + followees.ids.astype("<i8").tobytes()


def decode_followees(raw: bytes | None) -> Followees | None:
    """None for a miss, an unknown version, or a value cut short."""
    if raw is None or len(raw) < _HEADER.size or (len(raw) - _HEADER.size) % 8:
        return None
    version, ver = _HEADER.unpack_from(raw)
    if version != VERSION:
        return None
    return Followees(np.frombuffer(raw, "<i8", offset=_HEADER.size).astype(np.int64, copy=False), ver)


class Relations:
    def __init__(self, redis: RedisClient, graph: GraphStore) -> None:
        self._redis = redis
        self._graph = graph

    async def load(self, viewer: UserId) -> Followees:
        """From the store, and into the cache. Raises Unavailable where the store is away."""
        followees = await self._graph.followees(viewer)
        await self._redis.run_script(
            _FILL,
            [followees_key(viewer), fence_key(viewer)],
            _comparable(followees.ver),
            encode_followees(followees),
            TTL_S,
        )
        return followees

    async def invalidate(self, viewer: UserId, ver: int) -> None:
        """Forgets the cached followees after the change `ver`. Safe to repeat, in any order.

        A failover does not bring them back.
        """
        keys = [followees_key(viewer), fence_key(viewer)]
        await self._redis.run_script(_INVALIDATE, keys, _comparable(ver), FENCE_S, copied=True)

    async def invalidate_hidden(self, user: UserId, ver: int) -> None:
        """The same for whom the user does not see: blocked, either way, or muted."""
        keys = [b"bs:{%d}" % user, b"bs:{%d}:fence" % user]
        await self._redis.run_script(_INVALIDATE, keys, _comparable(ver), FENCE_S, copied=True)


def _comparable(ver: int) -> bytes:
    return b"%019d" % ver
