"""A logistic regression in the model's place, for a fair comparison: the same slates, other heads."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from core.errors import Unavailable
from core.ids import UserId
from features.schema import FEATURES
from ranking.diversity import diversify
from ranking.objective import Objective, utility, weights_for
from stores.slates import Slate, SlateStore
from training.dataset import Dataset
from training.labels import head_named
from training.logistic import Logistic


class LogisticOrder:
    """Learns what the model learned from, by its own recipe; then orders the same candidates by the same
    objective, from the same features, with the same multipliers. Only the heads are its own."""

    def __init__(
        self, learned: Dataset, heads: Sequence[str], objective: Objective, slates: SlateStore
    ) -> None:
        """`heads` are the model's, in its order. Takes seconds of one core. A head that never happened, or
        always, has a chance of 0."""
        self._slates = slates
        self._diversity = objective.diversity
        self._weights = weights_for(objective, heads)
        regression = Logistic(learned)
        self._recipe = regression.recipe
        weighed = zip(heads, self._weights.tolist(), strict=True)
        self._chances = [regression.fit(head_named(head)) if weight else None for head, weight in weighed]

    async def order(self, viewer: int, author_of: Callable[[int], int]) -> list[int]:
        """Ids of the viewer's newest slate, best first; [] where it was not scored, or cannot be had.

        Fails open: a comparison that has one viewer less is worth more than none.
        """
        try:
            slate = await self._slates.newest(UserId(viewer))
        except Unavailable:
            return []
        if slate is None or not slate.features:
            return []
        ids = np.frombuffer(slate.ids, "<i8").astype(np.int64)
        features = np.frombuffer(slate.features, "<f4").reshape(len(ids), len(FEATURES))
        worth = utility(self._heads(features.astype(np.float32)), self._weights)
        multipliers = self._multipliers(slate, len(ids))
        score = worth * np.where(worth < 0, 1.0 / multipliers, multipliers)
        authors = np.array([author_of(one) for one in ids.tolist()], np.int64)
        found: list[int] = ids[diversify(score, ids, authors, self._diversity).order].tolist()
        return found

    def _heads(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 [n, n_heads], in the model's order."""
        columns = self._recipe.columns(features)
        never = np.zeros(len(columns))
        heads = [never if chances is None else chances(columns) for chances in self._chances]
        return np.stack(heads, axis=1).astype(np.float32)

    def _multipliers(self, slate: Slate, n: int) -> NDArray[np.float64]:
        """float64 [n]: what the model's own utility was multiplied by to its score, whatever there is of it;
        as it would be where that is not negative, as there it is inverted."""
        heads = np.frombuffer(slate.heads, "<f4").reshape(n, len(self._weights))
        worth, score = utility(heads, self._weights), np.frombuffer(slate.scores, "<f8")
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.select([worth > 0, worth < 0], [score / worth, worth / score], 1.0)
