"""From a timeline to a slate: candidates, hydration, filters, scores, order."""

from __future__ import annotations

import secrets
from collections.abc import Set
from dataclasses import dataclass

import numpy as np

from features.schema import SCHEMA_HASH, VIEWS
from ranking.candidate import Candidates, Hydrated
from ranking.filters import Filter, visible
from ranking.query import FeedQuery
from ranking.scorers import ModelScorer
from ranking.stages import Stage, StageFailed, run_stage
from stores.slates import Slate
from stores.tweet_cache import TweetCache
from timelines.reader import Timeline

HYDRATE = Stage("hydrate", deadline_ms=500, on_failure="closed")
TIMELINE_SOURCE = "timeline"


@dataclass(frozen=True, slots=True)
class PipelineOptions:
    candidates: int
    """How many of the newest ids of the timeline are ranked; the rest follows in time order."""


class RankingPipeline:
    def __init__(
        self, tweets: TweetCache, filters: tuple[Filter, ...], scorer: ModelScorer, options: PipelineOptions
    ) -> None:
        self._tweets = tweets
        self._filters = filters
        self._scorer = scorer
        self._options = options

    async def rank(
        self, query: FeedQuery, timeline: Timeline, without: Set[int] = frozenset(), down_to: int = 0
    ) -> Slate:
        """A scored slate, best first, of what may be shown; raises StageFailed with the reason.

        In a lost slate's place: `without` what was served, and `down_to` the lost one's floor.
        """
        considered, floor = self._candidates(timeline, without, down_to)
        hydrated = await run_stage(HYDRATE, query, lambda: self._hydrate(considered))
        assert hydrated is not None  # the stage fails closed
        left = visible(hydrated, timeline, self._filters)
        if not len(left.ids):
            raise StageFailed(TIMELINE_SOURCE, "no_candidates")
        scored = await self._scorer.score(query, left)
        # Equal scores stand newest first: Snowflakes sort by time.
        order = np.lexsort((-left.ids, -scored.scores))
        return Slate(
            slate_id=secrets.token_urlsafe(9),
            as_of_ms=scored.as_of_ms,
            floor=floor,
            model=scored.model.label,
            objective=self._scorer.objective.label,
            schema_hash=SCHEMA_HASH,
            sources=[left.sources[place] for place in order.tolist()],
            views=list(VIEWS),
            ids=left.ids[order].astype("<i8").tobytes(),
            heads=scored.heads[order].astype("<f4").tobytes(),
            scores=scored.scores[order].astype("<f8").tobytes(),
            features=scored.features[order].astype("<f4").tobytes(),
            rows=scored.rows[order].astype("<u4").tobytes(),
        )

    def unscored(
        self, query: FeedQuery, timeline: Timeline, without: Set[int], down_to: int, reason: str
    ) -> Slate:
        """The same candidates in the order of time, for a scroll whose slate was lost."""
        considered, floor = self._candidates(timeline, without, down_to)
        return Slate(
            slate_id=secrets.token_urlsafe(9),
            as_of_ms=query.now_ms,
            floor=floor,
            model="",
            objective="",
            schema_hash="",
            sources=considered.sources,
            views=[],
            ids=considered.ids.astype("<i8").tobytes(),
            heads=b"",
            scores=b"",
            features=b"",
            rows=b"",
            reason=reason,
        )

    def _candidates(self, timeline: Timeline, without: Set[int], down_to: int) -> tuple[Candidates, int]:
        """What is ranked, and the smallest id considered for it, be it ranked or served before."""
        ids = timeline.ids[timeline.ids >= down_to] if down_to else timeline.ids[: self._options.candidates]
        floor = int(ids[-1]) if len(ids) else down_to
        if without:
            ids = ids[~np.isin(ids, np.fromiter(without, np.int64, len(without)))]
        return Candidates(ids, [TIMELINE_SOURCE] * len(ids)), floor

    async def _hydrate(self, candidates: Candidates) -> Hydrated:
        return Hydrated.of(candidates, await self._tweets.get_many(candidates.ids.tolist()))
