"""Merge: the one mechanism behind rebuild, backfill and healing.

First make sure that the list exists (with the sentinel `1`), so that pushes from then on arrive in
it; then read the store; then one script swaps in the union of list and store, sorted, the newest
800, arrivals kept. A list that vanished in between (a flush, an expiry) may have missed pushes: its
builder is turned away and starts again.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable

import structlog

from core.errors import Unavailable
from core.ids import UserId
from stores.ports import Ids
from stores.redis_client import RedisClient
from stores.redis_commands import command
from timelines.fan_in import NewestTweets
from timelines.layout import BUILDING, CAPACITY, TTL_S, timeline_key
from timelines.lua import LIBRARY

LOCK_MS = 5_000
_ATTEMPTS = 3
_LOST = -1

_ENSURE = """
local tail = redis.call('LINDEX', KEYS[1], -1)
if tail ~= '0' and tail ~= '00' and tail ~= '1' then redis.call('RPUSH', KEYS[1], ARGV[1]) end
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""
# With a token all that the store has is given, down to the lowest; without, that of some authors. Of
# theirs nothing may come in below the floor: the list would then hide what others have down there.
_SWAP = f"""{LIBRARY}
local key, lock, token, capacity = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2])
if redis.call('EXISTS', key) == 0 then return -1 end
if token ~= '' and redis.call('GET', lock) ~= token then return -1 end
local ids, tail, floor = held(key)
if token ~= '' then tail, floor = '0', false end
local stored = {{}}
for i = 4, #ARGV do stored[#stored + 1] = ARGV[i] end
local kept = put(key, merged(ids, above(stored, floor)), tail, capacity)
redis.call('EXPIRE', key, ARGV[3])
if token ~= '' then redis.call('DEL', lock) end
return kept
"""

_GIVE_UP = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

_logger = structlog.get_logger("merge")


def lock_key(viewer: int) -> bytes:
    return b"rb:{%d}" % viewer


class TimelineMerge:
    def __init__(self, redis: RedisClient, tweets: NewestTweets) -> None:
        self._redis = redis
        self._tweets = tweets

    async def rebuild(self, viewer: UserId, authors: Callable[[], Awaitable[Ids]]) -> Ids:
        """Brings a cold, half-built or corrupt list up to the truth; returns the store's newest ids.

        `authors` reads whose tweets belong in it; it is called after the list exists. Ids come
        newest first, int64 [<= 800]. Where another process is rebuilding the same list, the
        store's answer is returned and the list is left to the other one.
        """
        for _ in range(_ATTEMPTS):
            token = secrets.token_hex(8).encode()
            try:
                mine = await self._redis.call(command(b"SET", lock_key(viewer), token, b"NX", b"PX", LOCK_MS))
                await self._redis.run_script(_ENSURE, [timeline_key(viewer)], BUILDING, TTL_S)
                ids = await self._newest(await authors())
                if not mine or await self._swap(viewer, ids, token) != _LOST:
                    return ids
            except asyncio.CancelledError:
                # Its time was over; whoever goes on with it need not wait for the lock.
                await self._give_up(viewer, token)
                raise
            _logger.info("merge_repeated", viewer=viewer)
        raise Unavailable("the timeline was taken away while it was being rebuilt")

    async def add_authors(self, viewer: UserId, authors: Ids) -> bool:
        """Adds the newest tweets of some authors to a list that exists; False where none does.

        Evicts nothing that is newer than what it adds. Safe to repeat. A failover does not take it back:
        the list would go on without those authors' past.
        """
        # A list that is made from now on is made of what the store has from now on, theirs included.
        if not await self._redis.call(command(b"EXISTS", timeline_key(viewer))):
            return False
        return await self._swap(viewer, await self._newest(authors), b"", copied=True) != _LOST

    async def _give_up(self, viewer: UserId, token: bytes) -> None:
        with contextlib.suppress(Unavailable):
            await self._redis.run_script(_GIVE_UP, [lock_key(viewer)], token)

    async def _newest(self, authors: Ids) -> Ids:
        return await self._tweets.newest_ids(authors, before=None, limit=CAPACITY)

    async def _swap(self, viewer: UserId, ids: Ids, token: bytes, *, copied: bool = False) -> int:
        kept: int = await self._redis.run_script(
            _SWAP,
            [timeline_key(viewer), lock_key(viewer)],
            token,
            CAPACITY,
            TTL_S,
            *ids.tolist(),
            copied=copied,
        )
        return kept
