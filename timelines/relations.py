"""Whom a viewer follows, blocks and mutes, as sorted arrays: `fs:{user}` and `bs:{user}` before the store.

A reader who misses takes a fill token before it reads the store; a change takes the token away. Only
who still holds it may fill the cache, so nothing that was read before a change is kept after it, and a
flush in between takes the token as well (ADR 0020).

Followees that a change has made outdated stay, marked so, until they are read anew: where the store does
not answer a feed of yesterday's followees is better than none. Of who is hidden nothing outdated stays.
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Awaitable, Callable
from typing import TypeVar

import numpy as np
import structlog

from core.errors import Unavailable
from core.ids import UserId
from stores.ports import Followees, GraphStore, Hidden
from stores.redis_client import RedisClient
from stores.redis_commands import command

VERSION = 1
OUTDATED = 0x80
"""Set in the version of what a change has made outdated: a miss, but for who has nothing better."""
TTL_S = 24 * 3600
TOKEN_S = 60
"""Whoever reads the store for longer keeps nothing of it."""

_FOLLOWEES = struct.Struct("<Bq")
_HIDDEN = struct.Struct("<BqI")

_FILL = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""

# KEYS[1] is outdated from here on, and whoever read the store before does not fill it.
_OUTDATE = """
redis.call('DEL', KEYS[2])
local version = redis.call('TYPE', KEYS[1]).ok == 'string' and redis.call('GETRANGE', KEYS[1], 0, 0)
if version == ARGV[1] then
  redis.call('SETRANGE', KEYS[1], 0, ARGV[2])
elseif version ~= ARGV[2] then
  redis.call('DEL', KEYS[1])
end
return 1
"""

T = TypeVar("T")
_logger = structlog.get_logger("relations")


def followees_key(viewer: int) -> bytes:
    return b"fs:{%d}" % viewer


def hidden_key(viewer: int) -> bytes:
    return b"bs:{%d}" % viewer


def token_key(key: bytes) -> bytes:
    """Where the token for filling `key` is."""
    return key + b":fill"


def encode_followees(followees: Followees) -> bytes:
    """Version, the newest change's version, then the ids: sorted int64, little-endian."""
    return _FOLLOWEES.pack(VERSION, followees.ver) + followees.ids.astype("<i8").tobytes()


def decode_followees(raw: bytes | None) -> Followees | None:
    """None for a miss, an unknown version, a value cut short, or one that is outdated."""
    return _followees_of(raw, VERSION)


def decode_outdated(raw: bytes | None) -> Followees | None:
    """The followees of before the last change; None where there are none, or they are not outdated."""
    return _followees_of(raw, VERSION | OUTDATED)


def _followees_of(raw: bytes | None, wanted: int) -> Followees | None:
    if raw is None or len(raw) < _FOLLOWEES.size or (len(raw) - _FOLLOWEES.size) % 8:
        return None
    version, ver = _FOLLOWEES.unpack_from(raw)
    if version != wanted:
        return None
    return Followees(np.frombuffer(raw, "<i8", offset=_FOLLOWEES.size).astype(np.int64, copy=False), ver)


def encode_hidden(hidden: Hidden) -> bytes:
    """Version, the newest change's version, how many are blocked, the blocked, the muted: as above."""
    ids = np.concatenate([hidden.blocked, hidden.muted])
    return _HIDDEN.pack(VERSION, hidden.ver, len(hidden.blocked)) + ids.astype("<i8").tobytes()


def decode_hidden(raw: bytes | None) -> Hidden | None:
    """None for a miss, an unknown version, or a value cut short."""
    if raw is None or len(raw) < _HIDDEN.size or (len(raw) - _HIDDEN.size) % 8:
        return None
    version, ver, blocked = _HIDDEN.unpack_from(raw)
    if version != VERSION or blocked > (len(raw) - _HIDDEN.size) // 8:
        return None
    ids = np.frombuffer(raw, "<i8", offset=_HIDDEN.size).astype(np.int64, copy=False)
    return Hidden(ids[:blocked], ids[blocked:], ver)


class Relations:
    def __init__(self, redis: RedisClient, graph: GraphStore) -> None:
        self._redis = redis
        self._graph = graph

    async def hidden(self, viewer: UserId) -> Hidden:
        """From the cache, else from the store. Raises Unavailable where neither can say."""
        found = await self._redis.find([hidden_key(viewer)])
        if found.failure is not None:
            _logger.warning("hidden_from_store", viewer=viewer, error=str(found.failure))
            return await self._graph.hidden(viewer)
        cached = decode_hidden(found.values[0])
        return await self.load_hidden(viewer) if cached is None else cached

    async def load(self, viewer: UserId) -> Followees:
        """From the store, and into the cache. Raises Unavailable where the store is away."""
        return await self._load(
            followees_key(viewer), lambda: self._graph.followees(viewer), encode_followees
        )

    async def load_hidden(self, viewer: UserId) -> Hidden:
        """As `load`, of those whom the viewer does not see."""
        return await self._load(hidden_key(viewer), lambda: self._graph.hidden(viewer), encode_hidden)

    async def invalidate(self, viewer: UserId, ver: int) -> None:
        """The cached followees are outdated after a change. Safe to repeat, in any order.

        A failover does not take it back.
        """
        key = followees_key(viewer)
        versions = bytes([VERSION]), bytes([VERSION | OUTDATED])
        await self._redis.run_script(_OUTDATE, [key, token_key(key)], *versions, copied=True)

    async def invalidate_hidden(self, user: UserId, ver: int) -> None:
        """Forgets who is hidden, after a mute of the user's, or a block that has the user at either end.

        As `invalidate`; but nothing outdated is kept: a block holds from its answer on.
        """
        key = hidden_key(user)
        await self._redis.call(command(b"DEL", key, token_key(key)), copied=True)

    async def _load(self, key: bytes, read: Callable[[], Awaitable[T]], encode: Callable[[T], bytes]) -> T:
        token = await self._token(key)
        value = await read()
        if token is not None:
            try:
                await self._redis.run_script(_FILL, [key, token_key(key)], token, encode(value), TTL_S)
            except Unavailable as exc:
                _logger.warning("relations_not_kept", error=str(exc))
        return value

    async def _token(self, key: bytes) -> bytes | None:
        """The token that stands: several readers at once share it. None where there is none to be had."""
        held = token_key(key)
        fresh = secrets.token_bytes(8)
        try:
            _, token = await self._redis.calls(
                [command(b"SET", held, fresh, b"NX", b"EX", TOKEN_S), command(b"GET", held)]
            )
        except Unavailable:
            return None
        # It may have expired between the two.
        return None if token is None else bytes(token)
