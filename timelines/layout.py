"""The timeline list: `tl:{user}`, decimal ids, newest first, a sentinel at the tail.

The sentinel is `0` where nothing is missing, `00` where the oldest were cut: nothing is missing down to
the floor, the last id before it. It is `1` while a list is being built; one without a sentinel is
corrupt and is merged again. Somewhere before it a mark, `-1`, says that what follows is in order, each
id once: a merge or a trim left it so. Pushed ids stand before the mark, as they came.

Only lists that exist are pushed to: existence means that the viewer is active. Order and uniqueness
are made when reading, in one numpy pass. A list of 800 costs 8.5 KB, a sorted set of the same ids 96 KB.

A complete list holds all that was pushed down to its floor, but for what was removed since because it
was deleted. What is below the floor, a late arrival, is not looked at: the store has it, and what lies
between.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from core.ids import MAX_ID
from stores.ports import Ids
from stores.redis_client import RedisClient
from stores.redis_commands import command
from timelines.trim import trim

CAPACITY = 800
# A trim costs Redis 40 us where ids came in order (timelines/trim.py); at 128 that is 0.3 us a push.
TRIM_SLACK = 128
LONGEST = CAPACITY + TRIM_SLACK
"""A list longer than this, sentinel and mark included, is trimmed by whoever made it so."""
HEAD = TRIM_SLACK + 32
"""So many items hold all that was pushed since the last trim, the mark, and a page in order."""
TTL_S = 7 * 24 * 3600
COMPLETE = b"0"
CUT = b"00"
BUILDING = b"1"
SENTINELS = (COMPLETE, CUT, BUILDING)
MARK = b"-1"

_FIRST_ID = 2
_DIGITS = b"0123456789- "


class Delivery(NamedTuple):
    """One id to push to one viewer's list."""

    viewer: int
    tweet: int


class TimelineList(NamedTuple):
    """A list as it was read: distinct ids, newest first (int64 [<= 800]), and whether it is complete.

    What a complete one lacks is older than all that it has. `distinct` is the share of its ids that are
    left when each is taken once.
    """

    ids: Ids
    complete: bool
    distinct: float = 1.0


def timeline_key(viewer: int) -> bytes:
    return b"tl:{%d}" % viewer


def parse_timeline(items: Sequence[bytes]) -> TimelineList:
    """The newest 800 ids of a list, sorted and distinct. An absent or corrupt list is incomplete."""
    complete = bool(items) and items[-1] in (COMPLETE, CUT)
    try:
        ids = _numbers(items)
    except (ValueError, OverflowError):
        # Not ids: whatever else is there, the list is made anew.
        return TimelineList(np.empty(0, np.int64), complete=False)
    lowest = _FIRST_ID
    if complete and items[-1] == CUT:
        # Where all that was in order has been removed, nothing says any more how far down it went.
        complete = len(ids) > 1 and ids[-2] >= _FIRST_ID and MARK in items
        lowest = max(lowest, int(ids[-2])) if complete else lowest
    ids = ids[ids >= lowest]
    distinct = 1.0
    if not (ids[1:] < ids[:-1]).all():
        # Late arrivals, or one that came twice; most lists are in order, and sorting costs ten times as much.
        number = len(ids)
        ids = np.unique(ids)[::-1]
        distinct = len(ids) / number
    return TimelineList(ids[:CAPACITY], complete, distinct)


def parse_head(items: Sequence[bytes], sentinel: bytes | None, enough: int) -> TimelineList | None:
    """The newest of a list, from its first HEAD items and its last; None where they are not sure to be that.

    At least `enough`, down to the lowest of those in order: nothing that was pushed since may be lower than
    that, or there twice. What looks out of the ordinary is for a look at the whole.
    """
    if sentinel not in (COMPLETE, CUT) or MARK not in items:
        return None
    mark = items.index(MARK)
    try:
        numbers = _numbers(items)
    except (ValueError, OverflowError):
        return None
    if mark == len(items) - 1 or numbers[-1] < _FIRST_ID or len(items) - 1 < enough:
        return None
    ids = np.concatenate([numbers[:mark], numbers[mark + 1 :]])
    ids[:mark][::-1].sort()
    return TimelineList(ids, complete=True) if (ids[1:] < ids[:-1]).all() else None


def _numbers(items: Sequence[bytes]) -> Ids:
    """int64 [n]; raises ValueError, OverflowError. Read as one text: half the time of one by one."""
    text = b" ".join(items)
    # The reader of texts would stop at anything else, and take what is too large for the largest.
    marked = text.startswith(MARK + b" ") or b" " + MARK + b" " in text
    if not text.translate(None, _DIGITS) and text.count(b"-") == marked:
        ids: Ids = np.fromstring(text, np.int64, sep=" ")
        if len(ids) == len(items) and ids.max(initial=0) < MAX_ID:
            return ids
    return np.fromiter(map(int, items), np.int64, len(items))


async def push(redis: RedisClient, deliveries: Iterable[Delivery], *, copied: bool = False) -> int:
    """Pushes to the lists that exist, in one pipeline a node; returns how many did.

    For a few; fan-out has `timelines.audience`. Pushing twice is harmless. `copied` as
    `RedisClient.answers`: a list that a failover takes back to before a push looks complete and is
    not. Raises Unavailable; what was pushed by then stays.
    """
    wanted = list(deliveries)
    lengths: list[int] = await redis.calls(
        [command(b"LPUSHX", timeline_key(viewer), tweet) for viewer, tweet in wanted], copied=copied
    )
    overfull = {one.viewer for one, length in zip(wanted, lengths, strict=True) if length > LONGEST}
    if overfull:
        await trim(redis, [timeline_key(viewer) for viewer in overfull], CAPACITY)
    return sum(1 for length in lengths if length)
