"""From a timeline to a slate: candidates, hydration, filters, one a root, scores, order."""

from __future__ import annotations

import secrets
from collections.abc import Set
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from features.schema import SCHEMA_HASH, VIEWS
from ranking.candidate import Candidates, Hydrated
from ranking.diversity import diversify
from ranking.filters import Filter, visible
from ranking.hydrators import hydrate
from ranking.query import FeedQuery
from ranking.scorers import ModelScorer
from ranking.stages import Stage, StageFailed, run_stage
from stores.ports import Ids
from stores.slates import Slate
from stores.tweet_cache import TweetCache
from timelines.reader import Timeline

HYDRATE = Stage("hydrate", deadline_ms=500, on_failure="closed")
TIMELINE_SOURCE = "timeline"


@dataclass(frozen=True, slots=True)
class PipelineOptions:
    candidates: int
    """How many of the newest ids of the timeline are ranked; the rest follows in time order."""


class Ranked(NamedTuple):
    """A slate that was just made, and what it does not carry: int64 [n] of its roots, in its order."""

    slate: Slate
    roots: Ids
    authors: Ids


class RankingPipeline:
    def __init__(
        self, tweets: TweetCache, filters: tuple[Filter, ...], scorer: ModelScorer, options: PipelineOptions
    ) -> None:
        self._tweets = tweets
        self._filters = filters
        self._scorer = scorer
        self._options = options

    async def rank(self, query: FeedQuery, timeline: Timeline) -> Ranked:
        """A scored slate, best first, of what may be shown; raises StageFailed with the reason."""
        ids = timeline.ids[: self._options.candidates]
        left = await self._shown_once(query, timeline, ids)
        return await self._scored(query, left, int(ids[-1]) if len(ids) else 0)

    async def remade(self, query: FeedQuery, timeline: Timeline, without: Set[int], floor: int) -> Ranked:
        """In a lost slate's place: down to its floor, without the roots that were served.

        Where nothing can be scored it is in the order of time, and its `reason` says why. Raises
        StageFailed where the tweets cannot be read.
        """
        ids = timeline.ids[timeline.ids >= floor]
        # The list may have lost its end since: what lies below it follows from the store.
        floor = int(ids[-1]) if len(ids) else floor
        left = await self._shown_once(query, timeline, ids)
        left = left.keep(~np.isin(left.roots, np.fromiter(without, np.int64, len(without))))
        try:
            return await self._scored(query, left, floor)
        except StageFailed as failure:
            return _unscored(query, left, floor, failure.reason)

    async def _shown_once(self, query: FeedQuery, timeline: Timeline, ids: Ids) -> Hydrated:
        """What of these the viewer may see, newest first, each root at its newest place."""
        candidates = Candidates(ids, [TIMELINE_SOURCE] * len(ids))
        found = await run_stage(HYDRATE, query, lambda: hydrate(ids.tolist(), self._tweets.get_live))
        assert found is not None  # the stage fails closed
        left = visible(Hydrated.of(candidates, found), timeline, self._filters)
        newest = np.zeros(len(left), np.bool_)
        newest[np.unique(left.roots, return_index=True)[1]] = True
        return left.keep(newest)

    async def _scored(self, query: FeedQuery, left: Hydrated, floor: int) -> Ranked:
        if not len(left):
            raise StageFailed(TIMELINE_SOURCE, "no_candidates")
        scored = await self._scorer.score(query, left)
        made = scored.terms
        diverse = diversify(made.score, left.ids, left.root_authors, scored.objective.diversity)
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
            places=np.stack([diverse.places, diverse.ranks], axis=1)[order].astype("<i4").tobytes(),
        )
        return Ranked(slate, left.roots[order], left.root_authors[order])


def _unscored(query: FeedQuery, left: Hydrated, floor: int, reason: str) -> Ranked:
    """The candidates in the order of time."""
    slate = Slate(
        slate_id=secrets.token_urlsafe(9),
        as_of_ms=query.now_ms,
        floor=floor,
        model="",
        objective="",
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
    return Ranked(slate, left.roots, left.root_authors)
