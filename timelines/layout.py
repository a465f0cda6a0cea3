"""The timeline list: `tl:{user}`, decimal ids, newest first, a sentinel at the tail.

The sentinel is `0` for a complete list and `1` while one is being built; a list without one is
corrupt and is merged again. Only lists that exist are pushed to: existence means that the viewer
is active. Order and uniqueness are made when reading, in one numpy pass. A list of 800 costs 8.5 KB,
a sorted set of the same ids 96 KB.

A complete list holds the newest 800 of all that was pushed, or all of it. What else is in it, a late
arrival that is older, is not looked at: the store has it, and what lies between.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from core.ids import MAX_ID
from stores.ports import Ids
from stores.redis_client import RedisClient
from stores.redis_commands import command, script

CAPACITY = 800
# A trim costs Redis 0.28 ms, for it looks at every id of the list; at 128 that is 2 µs a push.
TRIM_SLACK = 128
TTL_S = 7 * 24 * 3600
COMPLETE = b"0"
BUILDING = b"1"
_DIGITS = b"0123456789 "

# Ids are compared as strings, longer first: Lua's numbers are doubles and would merge neighbours.
NEWER = """
local function newer(a, b) if #a ~= #b then return #a > #b end return a > b end
"""
# LTRIM alone would cut the sentinel at the tail; and it would cut by arrival: where newer ones came
# first, or one came twice, the list is put in order instead.
_TRIM = f"""{NEWER}
local capacity = tonumber(ARGV[1])
local items = redis.call('LRANGE', KEYS[1], 0, -1)
local tail = table.remove(items)
local seen, ids = {{}}, {{}}
for _, id in ipairs(items) do
  if not seen[id] then seen[id] = true; ids[#ids + 1] = id end
end
local highest_cut = ''
for i = capacity + 1, #ids do if newer(ids[i], highest_cut) then highest_cut = ids[i] end end
local in_order = #ids == #items
for i = 1, math.min(capacity, #ids) do in_order = in_order and newer(ids[i], highest_cut) end
if in_order then
  redis.call('LTRIM', KEYS[1], 0, capacity - 1)
else
  table.sort(ids, newer)
  local ttl_ms = redis.call('PTTL', KEYS[1])
  redis.call('DEL', KEYS[1])
  local kept = math.min(#ids, capacity)
  for i = 1, kept, 500 do redis.call('RPUSH', KEYS[1], unpack(ids, i, math.min(i + 499, kept))) end
  if ttl_ms > 0 then redis.call('PEXPIRE', KEYS[1], ttl_ms) end
end
if tail == '0' or tail == '1' then redis.call('RPUSH', KEYS[1], tail) end
return redis.call('LLEN', KEYS[1])
"""


class Delivery(NamedTuple):
    """One id to push to one viewer's list."""

    viewer: int
    tweet: int


class TimelineList(NamedTuple):
    """A list as it was read: distinct ids, newest first (int64 [<= 800]), and whether it is complete.

    `distinct` is the share of its ids that are left when each is taken once.
    """

    ids: Ids
    complete: bool
    distinct: float = 1.0


def timeline_key(viewer: int) -> bytes:
    return b"tl:{%d}" % viewer


def parse_timeline(items: Sequence[bytes]) -> TimelineList:
    """The newest 800 ids of a list, sorted and distinct. An absent or corrupt list is incomplete."""
    complete = bool(items) and items[-1] == COMPLETE
    try:
        ids = _numbers(items)
    except (ValueError, OverflowError):
        # Not ids: whatever else is there, the list is made anew.
        return TimelineList(np.empty(0, np.int64), complete=False)
    # The sentinels are the only values below 2.
    if len(ids) and ids[-1] < 2:
        ids = ids[:-1]
    distinct = 1.0
    if len(ids) and not (ids[-1] > 1 and (ids[1:] < ids[:-1]).all()):
        # Late arrivals, or one that came twice; most lists are in order, and sorting costs ten times as much.
        number = len(ids)
        ids = np.unique(ids[ids > 1])[::-1]
        distinct = len(ids) / number
    return TimelineList(ids[:CAPACITY], complete, distinct)


def _numbers(items: Sequence[bytes]) -> Ids:
    """int64 [n]; raises ValueError, OverflowError. Read as one text: half the time of one by one."""
    text = b" ".join(items)
    # The reader of texts would stop at anything else, and take what is too large for the largest.
    if not text.translate(None, _DIGITS):
        ids: Ids = np.fromstring(text, np.int64, sep=" ")
        if len(ids) == len(items) and ids.max(initial=0) < MAX_ID:
            return ids
    return np.fromiter(map(int, items), np.int64, len(items))


async def push(redis: RedisClient, deliveries: Iterable[Delivery], *, copied: bool = False) -> int:
    """Pushes to the lists that exist, in one pipeline a node; returns how many did.

    Pushing twice is harmless. `copied` as `RedisClient.answers`: a list that a failover takes back to
    before a push looks complete and is not. Raises Unavailable; what was pushed by then stays.
    """
    wanted = list(deliveries)
    lengths: list[int] = await redis.calls(
        [command(b"LPUSHX", timeline_key(viewer), tweet) for viewer, tweet in wanted], copied=copied
    )
    overfull = {
        delivery.viewer
        for delivery, length in zip(wanted, lengths, strict=True)
        if length > CAPACITY + TRIM_SLACK
    }
    if overfull:
        await redis.calls([script(_TRIM, [timeline_key(viewer)], CAPACITY) for viewer in overfull])
    return sum(1 for length in lengths if length)
