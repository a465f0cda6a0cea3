"""Merge: the one mechanism behind rebuild, backfill and healing.

First make sure that the list exists (with the sentinel `1`), so that pushes from then on arrive in
it; then read the store; then one script swaps in the union of list and store, sorted, the newest
800, arrivals kept. A list that vanished in between (a flush, an expiry) may have missed pushes: its
builder is turned away and starts again.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable

import numpy as np
import structlog

from core.errors import Unavailable
from core.ids import UserId
from stores.ports import Ids
from stores.redis_client import RedisClient
from stores.redis_commands import command
from timelines.fan_in import NewestTweets
from timelines.layout import BUILDING, CAPACITY, NEWER, TTL_S, timeline_key

LOCK_MS = 5_000
_ATTEMPTS = 3
_LOST = -1

_ENSURE = """
local tail = redis.call('LINDEX', KEYS[1], -1)
if tail ~= '0' and tail ~= '1' then redis.call('RPUSH', KEYS[1], ARGV[1]) end
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""
_SWAP = f"""{NEWER}
if redis.call('EXISTS', KEYS[1]) == 0 then return -1 end
if ARGV[1] ~= '' and redis.call('GET', KEYS[2]) ~= ARGV[1] then return -1 end
local seen, ids = {{}}, {{}}
local function add(id)
  -- Anything that is no id is left behind here, the sentinels included.
  if id == '0' or id == '1' or #id > 19 or not string.match(id, '^%d+$') or seen[id] then return end
  seen[id] = true
  ids[#ids + 1] = id
end
for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do add(id) end
for i = 4, #ARGV do add(ARGV[i]) end
table.sort(ids, newer)
local tail = '0'
if ARGV[1] == '' then tail = redis.call('LINDEX', KEYS[1], -1) end
redis.call('DEL', KEYS[1])
local kept = math.min(#ids, tonumber(ARGV[2]))
for i = 1, kept, 500 do redis.call('RPUSH', KEYS[1], unpack(ids, i, math.min(i + 499, kept))) end
if tail == '0' or tail == '1' then redis.call('RPUSH', KEYS[1], tail) end
redis.call('EXPIRE', KEYS[1], ARGV[3])
if ARGV[1] ~= '' then redis.call('DEL', KEYS[2]) end
return kept
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
            mine = await self._redis.call(command(b"SET", lock_key(viewer), token, b"NX", b"PX", LOCK_MS))
            await self._redis.run_script(_ENSURE, [timeline_key(viewer)], BUILDING, TTL_S)
            ids = await self._newest(await authors())
            if not mine or await self._swap(viewer, ids, token) != _LOST:
                return ids
            _logger.info("merge_repeated", viewer=viewer)
        raise Unavailable("the timeline was taken away while it was being rebuilt")

    async def add_author(self, viewer: UserId, author: UserId) -> bool:
        """Adds an author's newest tweets to a list that exists; False where none does.

        Evicts nothing that is newer than what it adds. Safe to repeat. A failover does not take it back:
        the list would go on without that author's past.
        """
        ids = await self._newest(np.array([author], np.int64))
        return await self._swap(viewer, ids, b"", copied=True) != _LOST

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
