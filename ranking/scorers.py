"""Scoring: features in one round trip, the model in one call, the objective over its heads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from prometheus_client import Counter

from core.errors import ConfigurationError, Corrupt
from features.compute import matrix
from features.freshness import Freshness, as_of, measure
from features.moments import HOME, Moments, codes
from features.reader import FeatureReader, FeaturesMissing, Fetched
from features.row_block import RowBlock
from features.schema import VIEWS, ViewName
from ranking.candidate import Hydrated
from ranking.filters import among
from ranking.ladder import Ladder, Trial
from ranking.model import RankingModel
from ranking.objective import Objective, Terms, ages_s, terms
from ranking.query import FeedQuery
from ranking.scoring_threads import ScoringThreads
from ranking.silent_failures import SilentFailures
from ranking.stages import Stage, StageFailed, run_stage
from stores.ports import Ids

FEATURES = Stage("features", deadline_ms=60, on_failure="closed")
MODEL = Stage("model", deadline_ms=100, on_failure="closed")

LOOKED_AT = Counter(
    "rankfeed_candidates_looked_at_total", "Scored candidates that their viewer is known to have seen before"
)


@dataclass(frozen=True, slots=True)
class Scored:
    """What came out for n candidates, in their order.

    `features` float32 [n, n_features], `heads` float32 [n, n_heads], `terms` what the objective made of
    them, `rows` uint32 [n, n_views, 2] of (schema id, seq) in the order of VIEWS, 0 where a row was
    missing. `as_of_ms` is the moment that the features were computed for, `freshness` that of their rows
    by view, and `blocks` the rows themselves, of one or n each. `looked_at`, bool [n], are those that the
    viewer is known to have seen before.
    """

    model: RankingModel
    objective: Objective
    as_of_ms: int
    features: NDArray[np.float32]
    heads: NDArray[np.float32]
    terms: Terms
    rows: NDArray[np.uint32]
    freshness: dict[ViewName, Freshness]
    blocks: Mapping[ViewName, RowBlock]
    looked_at: NDArray[np.bool_]


class ModelScorer:
    """Fails closed, with the reason: a feed is ranked by all of it or not at all."""

    def __init__(
        self,
        reader: FeatureReader,
        current_model: Callable[[], RankingModel | None],
        current_objective: Callable[[], Objective],
        threads: ScoringThreads,
        ladder: Ladder,
        silent: SilentFailures,
    ) -> None:
        self._reader = reader
        self._current_model = current_model
        self._current_objective = current_objective
        self._threads = threads
        self._ladder = ladder
        self._silent = silent

    async def score(self, query: FeedQuery, candidates: Hydrated) -> Scored:
        """Scores of candidates whose tweets are all there, by their roots; raises StageFailed.

        At once, where the ladder does not let it be tried.
        """
        with self._ladder.trial() as trial:
            return await self._score(query, candidates, trial)

    async def _score(self, query: FeedQuery, candidates: Hydrated, trial: Trial) -> Scored:
        # Read once: both may be changed while this request is under way.
        model, objective = self._current_model(), self._current_objective()
        if model is None:
            raise StageFailed(MODEL.name, "no_model")
        fetched = await run_stage(
            FEATURES,
            query,
            lambda: self._fetch(query, candidates),
        )
        assert fetched is not None  # the stage fails closed
        blocks = fetched.blocks
        freshness = measure(blocks, query.now_ms)
        as_of_ms = as_of(blocks["g"], query.now_ms)
        features = matrix(blocks, _moments(query, candidates, as_of_ms))
        heads = await run_stage(MODEL, query, lambda: self._run(model, features))
        assert heads is not None
        ages = ages_s(candidates.roots, as_of_ms)
        looked_at = _looked_at(candidates.roots, fetched.seen)
        LOOKED_AT.inc(int(np.count_nonzero(looked_at)))
        try:
            made = terms(objective, model.heads, heads, ages, candidates.sources, looked_at)
        except ConfigurationError as exc:
            # Objective and model are changed apart from each other; a misfit must not cost the feed.
            raise StageFailed(MODEL.name, "objective_misfit") from exc
        if not np.isfinite(made.score).all():
            raise StageFailed(MODEL.name, "scores_not_finite")
        trial.found = self._silent.judge(blocks, candidates.roots, query.now_ms, features, heads, model.label)
        rows = _row_versions(blocks, len(candidates))
        return Scored(model, objective, as_of_ms, features, heads, made, rows, freshness, blocks, looked_at)

    async def _fetch(self, query: FeedQuery, candidates: Hydrated) -> Fetched:
        try:
            fetched = await self._reader.fetch(query.viewer, candidates.roots, candidates.root_authors)
        except FeaturesMissing as exc:
            raise StageFailed(FEATURES.name, "features_missing") from exc
        if not fetched.blocks["g"].present.all():
            # Nothing was ever seen: the global row is there from the first event on.
            raise StageFailed(FEATURES.name, "features_missing")
        return fetched

    async def _run(self, model: RankingModel, features: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            return await self._threads.score(model, features)
        except Corrupt as exc:
            raise StageFailed(MODEL.name, "model_failed") from exc


def _looked_at(roots: Ids, seen: Ids) -> NDArray[np.bool_]:
    return among(np.sort(seen), roots) if len(seen) else np.zeros(len(roots), np.bool_)


def _moments(query: FeedQuery, candidates: Hydrated, as_of_ms: int) -> Moments:
    return Moments(
        viewers=np.array([query.viewer], np.int64),
        authors=candidates.root_authors,
        tweets=candidates.roots,
        at_ms=np.array([as_of_ms], np.int64),
        surfaces=codes([HOME]),
        sources=codes(candidates.sources),
    )


def _row_versions(blocks: dict[ViewName, RowBlock], n: int) -> NDArray[np.uint32]:
    rows = np.empty((n, len(VIEWS), 2), np.uint32)
    for column, view in enumerate(VIEWS):
        rows[:, column, 0] = blocks[view].schema_id
        rows[:, column, 1] = blocks[view].seq
    return rows
