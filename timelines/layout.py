"""The timeline list: `tl:{user}`, decimal ids, newest first, a sentinel at the tail.

The sentinel is `0` for a complete list and `1` while one is being built; a list without one is
corrupt and is merged again. Only lists that exist are pushed to: existence means that the viewer
is active. Order and uniqueness are made when reading, in one numpy pass. A list of 800 costs 8.5 KB,
a sorted set of the same ids 96 KB.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from redis.asyncio import Redis

from stores.ports import Ids
from stores.redis_client import redis_errors

CAPACITY = 800
TRIM_SLACK = 32
TTL_S = 7 * 24 * 3600
COMPLETE = b"0"
BUILDING = b"1"

# LTRIM alone would cut the sentinel at the tail.
_TRIM = """
local tail = redis.call('LINDEX', KEYS[1], -1)
redis.call('LTRIM', KEYS[1], 0, ARGV[1] - 1)
if tail == '0' or tail == '1' then redis.call('RPUSH', KEYS[1], tail) end
return redis.call('LLEN', KEYS[1])
"""


class Delivery(NamedTuple):
    """One id to push to one viewer's list."""

    viewer: int
    tweet: int


class TimelineList(NamedTuple):
    """A list as it was read: distinct ids, newest first (int64 [n]), and whether it is complete."""

    ids: Ids
    complete: bool


def timeline_key(viewer: int) -> bytes:
    return b"tl:{%d}" % viewer


def parse_timeline(items: Sequence[bytes]) -> TimelineList:
    """Ids of a list, sorted and distinct. An absent or corrupt list is incomplete."""
    complete = bool(items) and items[-1] == COMPLETE
    ids = np.fromiter(map(int, items), np.int64, len(items))
    # np.unique sorts ascending; the sentinels are the only values below 2.
    distinct = np.unique(ids)[::-1]
    return TimelineList(distinct[: np.searchsorted(-distinct, -1)], complete)


async def push(redis: Redis, deliveries: Iterable[Delivery]) -> int:
    """Pushes to the lists that exist, in one pipeline; returns how many did.

    Pushing twice is harmless. Raises Unavailable; what was pushed by then stays.
    """
    wanted = list(deliveries)
    with redis_errors():
        async with redis.pipeline(transaction=False) as pipeline:
            for viewer, tweet in wanted:
                pipeline.lpushx(timeline_key(viewer), b"%d" % tweet)
            lengths: list[int] = await pipeline.execute()
        overfull = {
            delivery.viewer
            for delivery, length in zip(wanted, lengths, strict=True)
            if length > CAPACITY + TRIM_SLACK
        }
        if overfull:
            async with redis.pipeline(transaction=False) as pipeline:
                for viewer in overfull:
                    pipeline.eval(_TRIM, 1, timeline_key(viewer), CAPACITY)
                await pipeline.execute()
    return sum(1 for length in lengths if length)
