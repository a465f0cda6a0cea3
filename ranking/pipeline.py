"""From a timeline to a slate: sources, hydration, filters, one a root, scores, order."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from features.schema import SCHEMA_HASH, VIEWS
from ranking.candidate import TIMELINE_SOURCE, Candidates, Hydrated
from ranking.diversity import Diversified, diversify
from ranking.filters import Filter, visible
from ranking.hydrators import hydrate
from ranking.last_order import again, as_pinned
from ranking.query import FeedQuery
from ranking.scorers import ModelScorer, Scored
from ranking.sources import Sources
from ranking.stages import Stage, StageFailed, count_items, run_stage
from stores.ports import Ids
from stores.slates import Served, Slate
from stores.tweet_cache import TweetCache
from timelines.reader import Timeline

HYDRATE = Stage("hydrate", deadline_ms=500, on_failure="closed")


@dataclass(frozen=True, slots=True)
class PipelineOptions:
    candidates: int
    """How many tweets a slate is of that is made again, or without scores."""


class Ranked(NamedTuple):
    """A slate that was just made, and its tweets in its order, as they were a moment ago."""

    slate: Slate
    tweets: Hydrated


class Judged(NamedTuple):
    """Candidates that may be shown, what was made of them in their order, and their own order."""

    candidates: Hydrated
    scored: Scored
    diverse: Diversified


class RankingPipeline:
    def __init__(
        self,
        tweets: TweetCache,
        sources: Sources,
        filters: tuple[Filter, ...],
        scorer: ModelScorer,
        options: PipelineOptions,
    ) -> None:
        self._tweets = tweets
        self._sources = sources
        self._filters = filters
        self._scorer = scorer
        self._options = options

    async def rank(self, query: FeedQuery, timeline: Timeline, at_most: int) -> Ranked:
        """A scored slate, best first, of what may be shown of `at_most` candidates.

        Where nothing can be scored, who follows nobody has what is popular, and the slate's `reason` says
        why; for all others StageFailed is raised, with the reason.
        """
        left, floor = await self.candidates(query, timeline, at_most)
        try:
            return await self._scored(query, left, floor)
        except StageFailed as failure:
            if follows_nobody(timeline) and left.recommended().any():
                return _unscored(query, timeline, left, floor, failure.reason)
            raise

    async def candidates(self, query: FeedQuery, timeline: Timeline, at_most: int) -> tuple[Hydrated, int]:
        """What may be shown of `at_most` candidates, the timeline's newest first, and the smallest id that
        was considered. Raises StageFailed where the tweets cannot be read."""
        candidates = await self._sources.newest(query, timeline, at_most)
        return await self._shown_once(query, timeline, candidates), _floor(candidates)

    async def judge(self, query: FeedQuery, left: Hydrated) -> Judged:
        """Raises StageFailed, with the reason, where nothing can be scored."""
        if not len(left):
            raise StageFailed(TIMELINE_SOURCE, "no_candidates")
        scored = await self._scorer.score(query, left)
        diversity = scored.objective.diversity
        return Judged(left, scored, diversify(scored.terms.score, left.ids, left.root_authors, diversity))

    async def recommended(self, query: FeedQuery, timeline: Timeline, reason: str) -> Ranked:
        """As `rank` for who follows nobody, where nothing is to be scored. Raises StageFailed."""
        left, floor = await self.candidates(query, timeline, self._options.candidates)
        if not left.recommended().any():
            raise StageFailed(TIMELINE_SOURCE, reason)
        return _unscored(query, timeline, left, floor, reason)

    async def as_before(self, query: FeedQuery, timeline: Timeline, last: Slate, reason: str) -> Ranked:
        """The order of an earlier slate, down to its floor, without what may not be shown any more.

        Above it stands, newest first, what it did not have: what is new since, and what may be shown by
        now. Raises StageFailed where the tweets cannot be read, or too many would stand above.
        """
        candidates, floor = again(timeline, last)
        if len(candidates) > 2 * len(last.sources):
            raise StageFailed(TIMELINE_SOURCE, "outdated")
        left = await self._shown_once(query, timeline, candidates)
        left = left.take(as_pinned(left.ids, np.frombuffer(last.ids, "<i8")))
        return _pinned(query, left, floor, reason, last.model, last.objective)

    async def remade(
        self, query: FeedQuery, timeline: Timeline, own: Ids, served: Served, floor: int
    ) -> Ranked:
        """In a lost slate's place: `own` (int64 [n], newest first) are all ids of the timeline down to its
        floor. Without the roots that were served.

        Where nothing can be scored it is in the order of time, and its `reason` says why. Raises
        StageFailed where the tweets cannot be read.
        """
        without = served.ids
        candidates = await self._sources.beside(query, timeline, own, self._options.candidates, without)
        floor = _floor(candidates) or floor
        left = await self._shown_once(query, timeline, candidates)
        left = left.keep(~np.isin(left.roots, np.fromiter(without, np.int64, len(without))))
        try:
            ranked = await self._scored(query, left, floor)
        except StageFailed as failure:
            ranked = _unscored(query, timeline, left, floor, failure.reason)
        shown = np.array(sorted(served.recommended), "<i8")
        return ranked._replace(slate=replace(ranked.slate, shown=shown.tobytes()))

    async def _shown_once(self, query: FeedQuery, timeline: Timeline, candidates: Candidates) -> Hydrated:
        """What of these the viewer may see, in their order, each root at its first place: the newest, and
        before any recommendation."""
        ids = candidates.ids.tolist()
        # Among hundreds there are retweets: without a guess, their originals would be a round trip more.
        foreseen = self._tweets.known_originals(ids)
        found = await run_stage(HYDRATE, query, lambda: hydrate(ids, self._tweets.get_live, foreseen))
        assert found is not None  # the stage fails closed
        count_items(query, HYDRATE.name, len(found))
        left = visible(
            Hydrated.of(candidates, found), timeline, self._filters, lambda *left: count_items(query, *left)
        )
        first = np.zeros(len(left), np.bool_)
        first[np.unique(left.roots, return_index=True)[1]] = True
        left = left.keep(first)
        count_items(query, "one_a_root", len(left))
        return left

    async def _scored(self, query: FeedQuery, left: Hydrated, floor: int) -> Ranked:
        _, scored, diverse = await self.judge(query, left)
        made = scored.terms
        order = diverse.order
        multipliers = np.stack([made.freshness, made.source, diverse.multipliers], axis=1)
        slate = Slate(
            slate_id=secrets.token_urlsafe(9),
            as_of_ms=scored.as_of_ms,
            floor=floor,
            model=scored.model.label,
            objective=scored.objective.label,
            schema_hash=SCHEMA_HASH,
            sources=[left.sources[place] for place in order.tolist()],
            views=list(VIEWS),
            ids=left.ids[order].astype("<i8").tobytes(),
            heads=scored.heads[order].astype("<f4").tobytes(),
            scores=made.score[order].astype("<f8").tobytes(),
            features=scored.features[order].astype("<f4").tobytes(),
            rows=scored.rows[order].astype("<u4").tobytes(),
            multipliers=multipliers[order].astype("<f8").tobytes(),
            seen=made.seen[order].astype("<f8").tobytes(),
            places=np.stack([diverse.places, diverse.ranks], axis=1)[order].astype("<i4").tobytes(),
        )
        return Ranked(slate, left.take(order))


def follows_nobody(timeline: Timeline) -> bool:
    """But themselves: what there is to show is what others recommend."""
    return len(timeline.authors) == 1


def _floor(candidates: Candidates) -> int:
    """The smallest id of the timeline among these, 0 where there is none: it comes first, newest first."""
    own = candidates.sources.count(TIMELINE_SOURCE)
    return int(candidates.ids[own - 1]) if own else 0


def _unscored(query: FeedQuery, timeline: Timeline, left: Hydrated, floor: int, reason: str) -> Ranked:
    """The timeline's in the order of time. Who follows nobody has what is recommended before it."""
    recommended = left.recommended()
    order = np.flatnonzero(~recommended)
    if follows_nobody(timeline):
        order = np.concatenate([np.flatnonzero(recommended), order])
    return _pinned(query, left.take(order), floor, reason)


def _pinned(
    query: FeedQuery, left: Hydrated, floor: int, reason: str, model: str = "", objective: str = ""
) -> Ranked:
    """In their order, without scores; `model` and `objective` are those that it is by."""
    slate = Slate(
        slate_id=secrets.token_urlsafe(9),
        as_of_ms=query.now_ms,
        floor=floor,
        model=model,
        objective=objective,
        schema_hash="",
        sources=left.sources,
        views=[],
        ids=left.ids.astype("<i8").tobytes(),
        heads=b"",
        scores=b"",
        features=b"",
        rows=b"",
        reason=reason,
    )
    return Ranked(slate, left)
