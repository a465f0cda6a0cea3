"""Why a feed is as it is: ranked now by the code that serves, with all that went into each place.

Nothing is recorded, pinned or counted as served. What was judged is kept, so that the same candidates can
be put in the order of another objective at once, by the same formulas and without asking anybody.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from core.clock import Clock
from core.deadline import Deadline
from core.errors import NotFound
from core.ids import UserId
from core.timings import Timings
from core.types import User
from ranking.candidate import TIMELINE_SOURCE, Hydrated
from ranking.diversity import Diversified, diversify
from ranking.feed_meta import CACHE_AWAY
from ranking.objective import Objective, Terms, ages_s, terms
from ranking.patience import FOLLOWEES_SHARE
from ranking.pipeline import Judged, RankingPipeline, follows_nobody
from ranking.query import FeedQuery
from ranking.scorers import Scored
from ranking.stages import StageFailed
from stores.user_cache import UserCache
from timelines.reader import TimelineReader

DEADLINE_MS = 5_000.0
_LIMIT = 20
# A store gives so many profiles at a time; of 800 candidates, retweets among them, there may be more.
_AT_ONCE = 1_000


class _Unhurried(Deadline, frozen=True):
    """Who looks why a feed is as it is waits longer than who scrolls: a stage has all the time there is."""

    def remaining_s(self, at_most_ms: float | None = None) -> float:
        return super().remaining_s()


@dataclass(frozen=True, slots=True)
class Weighing:
    """What one objective makes of n candidates, all in their order.

    `terms` are what the scores are made of, `diverse` has the order and what author diversity did to it;
    `places` int64 [n] is where each stands, from 0.
    """

    objective: Objective
    terms: Terms
    diverse: Diversified
    places: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Explained:
    """A viewer's feed of now. `reason` says why nothing was scored: then there is no `weighing`.

    `candidates` are those that may be shown, the network's newest first, then what is recommended;
    `authors` are profiles by id, of all of them whose author has one. `in_time` int64 [n] is each one's
    place in time order, -1 of what is recommended, which that does not have.
    """

    viewer: User
    now_ms: int
    candidates: Hydrated
    authors: Mapping[int, User]
    in_time: NDArray[np.int64]
    alone: bool
    reason: str | None
    scored: Scored | None = None
    weighing: Weighing | None = None

    def under(self, objective: Objective) -> Weighing:
        """The same candidates by another objective, without any I/O.

        Raises ConfigurationError where that does not fit the model. Only of what was scored.
        """
        scored, candidates = self.scored, self.candidates
        assert scored is not None
        made = terms(
            objective,
            scored.model.heads,
            scored.heads,
            ages_s(candidates.roots, scored.as_of_ms),
            candidates.sources,
            scored.looked_at,
        )
        ids, authors = candidates.ids, candidates.root_authors
        return _weighing(objective, made, diversify(made.score, ids, authors, objective.diversity))


class Explainer:
    """At most `candidates` of a feed are ranked, as the API does on its highest rung."""

    def __init__(
        self,
        timelines: TimelineReader,
        pipeline: RankingPipeline,
        users: UserCache,
        clock: Clock,
        candidates: int,
    ) -> None:
        self._timelines = timelines
        self._pipeline = pipeline
        self._users = users
        self._clock = clock
        self._most = candidates

    async def explain(self, viewer: UserId) -> Explained:
        """Raises NotFound where there is nobody of this id, and Unavailable where nothing can be shown."""
        profile = (await self._users.get_many([viewer])).get(viewer)
        if profile is None:
            raise NotFound(f"there is no user {viewer}", field="user_id")
        query = self._query(viewer)
        timeline = await self._timelines.read(
            viewer, patience_s=FOLLOWEES_SHARE * query.deadline.remaining_s()
        )
        reason: str | None = None
        if timeline.origin == "store":
            # As for a feed: without Redis there are no features, and the store tells what is new.
            ids = await self._timelines.older(timeline, before=None, limit=self._most)
            timeline, reason = replace(timeline, ids=ids), CACHE_AWAY
        left, _ = await self._pipeline.candidates(query, timeline, self._most)
        judged: Judged | None = None
        if reason is None:
            try:
                judged = await self._pipeline.judge(query, left)
            except StageFailed as failure:
                reason = failure.reason
        scored = None if judged is None else judged.scored
        wanted = [*{*left.authors.tolist(), *left.root_authors.tolist()}]
        authors: dict[int, User] = {}
        for at in range(0, len(wanted), _AT_ONCE):
            authors |= await self._users.get_many(wanted[at : at + _AT_ONCE])
        return Explained(
            viewer=profile,
            now_ms=query.now_ms,
            candidates=left,
            authors=authors,
            in_time=_in_time(left),
            alone=follows_nobody(timeline),
            reason=reason,
            scored=scored,
            weighing=None
            if judged is None
            else _weighing(judged.scored.objective, judged.scored.terms, judged.diverse),
        )

    def _query(self, viewer: UserId) -> FeedQuery:
        return FeedQuery(
            viewer=viewer,
            limit=_LIMIT,
            algorithm="ranked",
            position=None,
            request_id=uuid.uuid4(),
            now_ms=self._clock.now_ms(),
            deadline=_Unhurried.after_ms(DEADLINE_MS, self._clock),
            timings=Timings(self._clock),
        )


def _weighing(objective: Objective, made: Terms, diverse: Diversified) -> Weighing:
    places = np.empty(len(diverse.order), np.int64)
    places[diverse.order] = np.arange(len(diverse.order))
    return Weighing(objective, made, diverse, places)


def _in_time(candidates: Hydrated) -> NDArray[np.int64]:
    """int64 [n]: they come newest first, each root at the newest place that it has."""
    own = np.fromiter((source == TIMELINE_SOURCE for source in candidates.sources), np.bool_, len(candidates))
    return np.where(own, np.cumsum(own) - 1, -1)
