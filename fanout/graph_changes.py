"""What follows, blocks and mutes do to caches and lists; many changes of one viewer cost as much as one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import numpy as np

from core.ids import UserId
from eventlog.schema import BlockSet, FollowSet, MuteSet
from eventlog.worker import Arrived
from fanout.followers import FollowerPages
from timelines.merge import TimelineMerge
from timelines.relations import Relations

VIEWERS_AT_ONCE = 16

E = TypeVar("E", FollowSet, BlockSet, MuteSet)


class GraphChanges:
    """Raises Unavailable where Redis or a store is away; repeating it changes nothing."""

    def __init__(self, followers: FollowerPages, relations: Relations, merge: TimelineMerge) -> None:
        self._followers = followers
        self._relations = relations
        self._merge = merge

    async def apply(self, batch: Sequence[Arrived]) -> None:
        follows = _newest(batch, FollowSet)
        if follows:
            # Before the merges: see fanout/followers.py.
            await self._followers.changed({followee for _, followee in follows})
        by_viewer: dict[int, dict[int, tuple[int, FollowSet]]] = {}
        for (follower, followee), change in follows.items():
            by_viewer.setdefault(follower, {})[followee] = change
        hidden: dict[int, int] = {}
        for (a, b), (ver, _) in _newest(batch, BlockSet).items():
            # Neither sees the other.
            for user in (a, b):
                hidden[user] = max(ver, hidden.get(user, 0))
        for (a, _), (ver, _) in _newest(batch, MuteSet).items():
            hidden[a] = max(ver, hidden.get(a, 0))
        await _together(
            [
                *(partial(self._follow, UserId(viewer), changes) for viewer, changes in by_viewer.items()),
                *(
                    partial(self._relations.invalidate_hidden, UserId(user), ver)
                    for user, ver in hidden.items()
                ),
            ]
        )

    async def _follow(self, viewer: UserId, changes: dict[int, tuple[int, FollowSet]]) -> None:
        await self._relations.invalidate(viewer, max(ver for ver, _ in changes.values()))
        followed = [followee for followee, (_, event) in changes.items() if event.on]
        if followed:
            await self._merge.add_authors(viewer, np.array(sorted(followed), np.int64))


def _newest(batch: Sequence[Arrived], kind: type[E]) -> dict[tuple[int, int], tuple[int, E]]:
    """Each edge's version and state, those of its highest version in the batch."""
    newest: dict[tuple[int, int], tuple[int, E]] = {}
    for one in batch:
        if isinstance(one.event, kind):
            edge = one.event.a, one.event.b
            if edge not in newest or newest[edge][0] < one.envelope.ver:
                newest[edge] = one.envelope.ver, one.event
    return newest


async def _together(changes: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """A few at a time; all have ended when one that failed is told of."""
    room = asyncio.Semaphore(VIEWERS_AT_ONCE)

    async def make(change: Callable[[], Awaitable[None]]) -> None:
        async with room:
            await change()

    outcomes = await asyncio.gather(*map(make, changes), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
