"""Many viewers to whom the same tweets go: their commands are packed once and kept.

Where a tweet goes out to thousands, packing a command for each costs more than sending it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from stores.ports import Ids
from stores.redis_client import RedisClient
from stores.redis_spread import KeyTemplate, Spread
from timelines.bundles import Share, bundled
from timelines.layout import CAPACITY, LONGEST, timeline_key
from timelines.trim import trim

T = TypeVar("T")

PIPELINE = 4_000
"""Commands that go out together; with a page of followers more than that at most."""
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
    """As `push`, for audiences, some thousands at a time; returns how many ids found a list.

    Nobody's order is kept but the offers'. Whoever gets several ids gets them in one command.
    """
    pushed = 0
    for pipeline in _pipelines(offers):
        lengths = await redis.spread([one.spread for one in pipeline], copied=copied)
        overfull = {
            viewer
            for one, found in zip(pipeline, lengths, strict=True)
            for viewer in one.viewers[found > LONGEST].tolist()
        }
        if overfull:
            await trim(redis, [timeline_key(viewer) for viewer in overfull], CAPACITY)
        pushed += sum(
            int(np.sum(one.counts, where=found > 0)) for one, found in zip(pipeline, lengths, strict=True)
        )
    return pushed


async def remove_from(redis: RedisClient, offers: Sequence[Offer]) -> None:
    """Takes tweets out of the lists that have them. Raises Unavailable; who reads leaves them out anyway.

    The list stays complete: what is pushed late below its floor is still below it.
    """
    removals = ((len(one.audience.viewers), Spread(one.audience.removals(), one.tweet)) for one in offers)
    for some in _portions(removals):
        await redis.spread(some)


class _Push(NamedTuple):
    """Commands that go to lists: of `viewers`, int64 [n], with so many ids each, int64 [n]."""

    viewers: Ids
    counts: Ids
    spread: Spread


def _pipelines(offers: Sequence[Offer]) -> Iterator[list[_Push]]:
    shares = [Share(one.audience.viewers, one.audience.pushes.prefixes, one.tweet) for one in offers]
    bundles = bundled(shares)
    if bundles is None:
        pushes = [
            _Push(
                one.audience.viewers,
                np.ones_like(one.audience.viewers),
                Spread(one.audience.pushes, one.tweet),
            )
            for one in offers
        ]
        yield from _portions((len(push.viewers), push) for push in pushes)
        return
    for begin in range(0, len(bundles.commands), PIPELINE):
        some = slice(begin, begin + PIPELINE)
        commands = KeyTemplate.whole(bundles.commands[some])
        yield [_Push(bundles.viewers[some], bundles.counts[some], Spread(commands, None))]


def _portions(sized: Iterable[tuple[int, T]]) -> Iterator[list[T]]:
    """In their order, as many at a time as have a pipeline's commands, or a few more."""
    portion, commands = list[T](), 0
    for size, one in sized:
        portion.append(one)
        commands += size
        if commands >= PIPELINE:
            yield portion
            portion, commands = [], 0
    if portion:
        yield portion
