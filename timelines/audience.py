"""Many viewers to whom the same tweets go: their commands are packed once and kept.

Where a tweet goes out to thousands, packing a command for each costs more than sending it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stores.ports import Ids
from stores.redis_client import RedisClient
from stores.redis_spread import KeyTemplate, Spread
from timelines.layout import CAPACITY, LONGEST, timeline_key
from timelines.trim import trim

VIEWER_BYTES = 136
"""What a viewer in an audience takes: the id, the packed command, their places, those by shard."""


class Audience:
    """`viewers` are distinct: int64 [n]."""

    __slots__ = ("_pushes", "viewers")

    def __init__(self, viewers: Ids) -> None:
        self.viewers = viewers
        self._pushes: KeyTemplate | None = None

    @property
    def size_bytes(self) -> int:
        return len(self.viewers) * VIEWER_BYTES

    @property
    def pushes(self) -> KeyTemplate:
        if self._pushes is None:
            self._pushes = KeyTemplate(b"LPUSHX", self._keys())
        return self._pushes

    def removals(self) -> KeyTemplate:
        """Not kept: few tweets are deleted."""
        return KeyTemplate(b"LREM", self._keys(), 1)

    def _keys(self) -> list[bytes]:
        return [timeline_key(viewer) for viewer in self.viewers.tolist()]


class Offer(NamedTuple):
    """One tweet for an audience."""

    audience: Audience
    tweet: int


async def push_to(redis: RedisClient, offers: Sequence[Offer], *, copied: bool = False) -> int:
    """As `push`, for audiences; returns how many lists there were. Nobody's order is kept but the offers'."""
    lengths = await redis.spread([Spread(one.audience.pushes, one.tweet) for one in offers], copied=copied)
    overfull = {
        viewer
        for one, found in zip(offers, lengths, strict=True)
        for viewer in one.audience.viewers[found > LONGEST].tolist()
    }
    if overfull:
        await trim(redis, [timeline_key(viewer) for viewer in overfull], CAPACITY)
    return sum(int(np.count_nonzero(found)) for found in lengths)


async def remove_from(redis: RedisClient, offers: Sequence[Offer]) -> None:
    """Takes tweets out of the lists that have them. Raises Unavailable; who reads leaves them out anyway.

    The list stays complete: what is pushed late below its floor is still below it.
    """
    await redis.spread([Spread(one.audience.removals(), one.tweet) for one in offers])
