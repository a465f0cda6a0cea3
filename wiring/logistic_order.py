"""A logistic regression in the model's place, for a fair comparison: the same slates, other heads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from core.errors import Unavailable
from core.ids import UserId
from features.schema import FEATURES
from ranking.diversity import diversify
from ranking.objective import Objective, utility
from stores.slates import Slate, SlateStore
from training.dataset import Dataset
from training.labels import head_named
from training.logistic import Logistic

_DIVERSITY = 2
"""The column of a slate's multipliers that comes after the score, and is made anew of another score."""


class LogisticOrder:
    """Learns what the model learned from, by its own recipe; then orders the same candidates by the same
    objective, from the same features. Only the heads are its own."""

    def __init__(self, learned: Dataset, objective: Objective, slates: SlateStore) -> None:
        """Seconds of one core. A head that never happened, or always, has a chance of 0."""
        self._slates = slates
        self._diversity = objective.diversity
        regression = Logistic(learned)
        self._recipe = regression.recipe
        weighed = {name: one.w for name, one in objective.weights.items() if one.w}
        self._weights = np.array(list(weighed.values()), np.float64)
        self._chances = [regression.fit(head_named(name)) for name in weighed]

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
        multipliers = _as_before_signs(slate, len(ids))
        score = worth * np.where(worth < 0, 1.0 / multipliers, multipliers)
        authors = np.array([author_of(one) for one in ids.tolist()], np.int64)
        found: list[int] = ids[diversify(score, ids, authors, self._diversity).order].tolist()
        return found

    def _heads(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        columns = self._recipe.columns(features)
        never = np.zeros(len(columns))
        heads = [never if chances is None else chances(columns) for chances in self._chances]
        return (
            np.stack(heads, axis=1).astype(np.float32) if heads else np.zeros((len(columns), 0), np.float32)
        )


def _as_before_signs(slate: Slate, n: int) -> NDArray[np.float64]:
    """float64 [n]: the product of what scores were multiplied by; where they are negative it is inverted."""
    recorded = np.frombuffer(slate.multipliers, "<f8").reshape(n, -1)
    product: NDArray[np.float64] = np.delete(recorded, _DIVERSITY, axis=1).prod(axis=1)
    inverted = np.frombuffer(slate.scores, "<f8") < 0
    return np.divide(1.0, product, out=product, where=inverted)
