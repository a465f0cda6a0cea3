"""Where candidates come from: the viewer's timeline, and whoever recommends something beside it.

The timeline is read before all else, as filters and later pages need it; it makes most of the
candidates, and where it is short it leaves its room to the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence, Set
from typing import NamedTuple, Protocol

import numpy as np

from ranking.candidate import TIMELINE_SOURCE, Candidates
from ranking.filters import among
from ranking.query import FeedQuery
from ranking.stages import Stage, count_items, run_stage
from stores.ports import Ids
from timelines.reader import Timeline


class Source(Protocol):
    """Recommends tweets: int64 [n], best first, each once, no retweets. What may be shown others know.

    Its stage fails open: while it is away a feed is made of what the others found.
    """

    name: str
    stage: Stage

    def at_hand(self, query: FeedQuery, timeline: Timeline) -> Ids | None:
        """What needs no waiting for; None where `find` has to be asked."""
        ...

    async def find(self, query: FeedQuery, timeline: Timeline) -> Ids:
        """Raises Unavailable."""
        ...


class _Recommended(NamedTuple):
    """Ids, one source's after the other's (int64 [n]), and the place of each one's source (int64 [n])."""

    ids: Ids
    of: Ids


class Sources:
    """`share` of the candidates (0 to 0.9) may be recommended; with 0 nobody is asked."""

    def __init__(self, recommending: Sequence[Source], share: float) -> None:
        self._recommending = tuple(recommending) if share else ()
        self._share = share

    async def newest(self, query: FeedQuery, timeline: Timeline, at_most: int) -> Candidates:
        """At most so many: the newest of the timeline, newest first, and behind them what is recommended."""
        others = await self._recommended(query, timeline, timeline.ids, at_most, frozenset())
        return self._candidates(query, timeline.ids[: at_most - len(others.ids)], others)

    async def beside(
        self, query: FeedQuery, timeline: Timeline, own: Ids, at_most: int, without: Set[int]
    ) -> Candidates:
        """All of `own` (int64 [n], newest first), and as much beside them as beside the newest.

        Nothing of `without` is recommended.
        """
        others = await self._recommended(query, timeline, own, at_most, without)
        return self._candidates(query, own, others)

    async def _recommended(
        self, query: FeedQuery, timeline: Timeline, own: Ids, at_most: int, without: Set[int]
    ) -> _Recommended:
        """What is neither in `own` nor in `without`, as much as there is room for: an earlier source wins."""
        found = await self._ask(query, timeline)
        ids = np.concatenate([np.empty(0, np.int64), *found])
        fresh = np.ones(len(ids), np.bool_)
        if len(found) > 1:
            fresh[:] = False
            fresh[np.unique(ids, return_index=True)[1]] = True
        if len(own):
            fresh &= ~among(own[::-1], ids)
        if without:
            fresh &= ~np.isin(ids, np.fromiter(without, np.int64, len(without)))
        room = max(int(at_most * self._share), at_most - len(own))
        places = np.flatnonzero(fresh)[:room]
        of = np.repeat(np.arange(len(found)), [len(its) for its in found])
        return _Recommended(ids[places], of[places])

    def _candidates(self, query: FeedQuery, own: Ids, others: _Recommended) -> Candidates:
        count_items(query, TIMELINE_SOURCE, len(own))
        sources = [TIMELINE_SOURCE] * len(own)
        for place, source in enumerate(self._recommending):
            of_it = int(np.count_nonzero(others.of == place))
            count_items(query, source.name, of_it)
            sources += [source.name] * of_it
        return Candidates(np.concatenate([own, others.ids]), sources)

    async def _ask(self, query: FeedQuery, timeline: Timeline) -> list[Ids]:
        """All of them side by side: nobody waits for what is at hand, and that is the usual case."""
        answers = [source.at_hand(query, timeline) for source in self._recommending]
        asked = [place for place, ids in enumerate(answers) if ids is None]
        if asked:
            sources = [self._recommending[place] for place in asked]
            found = await asyncio.gather(*[_found(source, query, timeline) for source in sources])
            for place, ids in zip(asked, found, strict=True):
                answers[place] = ids
        return [np.empty(0, np.int64) if ids is None else ids for ids in answers]


async def _found(source: Source, query: FeedQuery, timeline: Timeline) -> Ids | None:
    return await run_stage(source.stage, query, lambda: source.find(query, timeline))
