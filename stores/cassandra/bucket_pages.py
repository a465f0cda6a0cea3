"""Pages over the sixteen partitions of an aggregate, as if they were one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import numpy as np

from stores.buckets import BUCKETS
from stores.cassandra.session import Row
from stores.ports import Ids

_SLACK = 16
"""Rows read from each partition beyond an even share, for they are never quite even."""

ReadBucket = Callable[[int, int, int], Awaitable[Sequence[Row]]]
"""Of a bucket the rows above an id, at most so many: ascending, the id first."""


async def page_over(
    read: ReadBucket, ids: Callable[[Sequence[Row]], list[int]], *, after: int, limit: int
) -> Ids:
    """The next ids above `after`, ascending: int64 [<= limit]; empty at the end.

    `ids` are those of some rows; it may leave out rows.
    """
    page: list[int] = []
    bound: int | None = after
    while bound is not None and len(page) < limit:
        found, bound = await _some(read, ids, bound, limit - len(page))
        page += found
    return np.array(page[:limit], np.int64)


async def _some(
    read: ReadBucket, ids: Callable[[Sequence[Row]], list[int]], after: int, limit: int
) -> tuple[list[int], int | None]:
    """Some of the next ids, and the one to go on from; None at the end."""
    share = min(limit, limit // BUCKETS + _SLACK)
    partitions = await asyncio.gather(*(read(bucket, after, share) for bucket in range(BUCKETS)))
    # Up to where every partition that goes on has been read: beyond it, ids may be missing.
    bound = min((rows[-1][0] for rows in partitions if len(rows) == share), default=None)
    found = sorted(id_ for rows in partitions for id_ in ids(rows))
    return [id_ for id_ in found if bound is None or id_ <= bound], bound
