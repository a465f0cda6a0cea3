"""An honest logistic regression on the model's own inputs: a baseline that is meant to be hard to beat.

The recipe, by each input's formula (`features.schema.INPUTS`):

- rates: log; ages, hours and lengths: log1p; sums and counts are logarithms already;
- kinds of media, hour, surface and source: one column for each value among the learned rows;
- a column "is missing" for each input that is missing there somewhere; what is missing is the mean;
- all scaled to mean 0 and variance 1 over the learned rows, cut at 5;
- ridge with `_RIDGE` (scikit-learn's C is its inverse), fitted by Newton's method, which is exact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.formulas import Age, Asked, HoursSince, Input, LogCount, LogSum, Rate, Value
from features.schema import INPUTS
from training.dataset import UNKNOWN, Dataset
from training.labels import Head

# KuaiRand's click and dwell are 0.002 better in AUC than with 1, its like is the same.
_RIDGE = 10.0
_FARTHEST = 5.0
# Of more it learns from the newest: 500 MB of columns.
_MOST_ROWS = 1_000_000
_LEAST_RATE = 1e-9

Columns = NDArray[np.float32]
Chances = Callable[[Columns], NDArray[np.float64]]
"""Probabilities of a head [n], from the columns that its recipe makes of n rows."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is fixed by the rows that are learned from; `columns` then makes the same of any rows."""

    categories: tuple[NDArray[np.float32] | None, ...]
    means: NDArray[np.float32]
    scales: NDArray[np.float32]
    flagged: NDArray[np.intp]

    @classmethod
    def of(cls, inputs: NDArray[np.float32]) -> Recipe:
        """`inputs` float32 [n, len(INPUTS)], n at least 1."""
        categories = tuple(
            _values(inputs[:, i]) if _is_category(one) else None for i, one in enumerate(INPUTS)
        )
        numbers = _numbers(inputs)
        missing = np.isnan(numbers)
        n = np.maximum((~missing).sum(axis=0), 1)
        means = np.where(missing, 0.0, numbers).sum(axis=0) / n
        deviations = np.where(missing, 0.0, numbers - means)
        scales = np.sqrt((deviations**2).sum(axis=0) / n)
        scales[scales < 1e-6] = 1.0
        return cls(
            categories,
            means.astype(np.float32),
            scales.astype(np.float32),
            np.flatnonzero(missing.any(axis=0)),
        )

    def columns(self, inputs: NDArray[np.float32]) -> Columns:
        """float32 [n, k], finite, of `inputs` float32 [n, len(INPUTS)]."""
        numbers = _numbers(inputs)
        flags = np.isnan(numbers[:, self.flagged])
        scaled = np.clip((numbers - self.means) / self.scales, -_FARTHEST, _FARTHEST)
        one_hot = [
            inputs[:, i, None] == values for i, values in enumerate(self.categories) if values is not None
        ]
        return np.concatenate([np.nan_to_num(scaled, nan=0.0), flags, *one_hot], axis=1, dtype=np.float32)


class Logistic:
    """The regression of each head, learned from the same rows, and put to others by the same recipe."""

    def __init__(self, learned: Dataset) -> None:
        """`learned` is not empty."""
        if len(learned) > _MOST_ROWS:
            learned = learned.take(np.arange(len(learned)) >= len(learned) - _MOST_ROWS)
        self.recipe = Recipe.of(learned.inputs)
        self._learned = learned
        self._columns = self.recipe.columns(learned.inputs)

    def fit(self, head: Head) -> Chances | None:
        """None where the learned rows do not have both kinds."""
        # Half a second of an import that nobody else in the process needs.
        from sklearn.linear_model import LogisticRegression

        known = self._learned.labels[head] != UNKNOWN
        happened = self._learned.positive(head)[known]
        if not 0 < happened.sum() < len(happened):
            return None
        fitted = LogisticRegression(C=1.0 / _RIDGE, solver="newton-cholesky", max_iter=100)
        fitted.fit(self._columns[known], happened)
        return lambda columns: np.asarray(fitted.predict_proba(columns)[:, 1], np.float64)


def _is_category(one: Input) -> bool:
    match one.formula:
        case Asked():
            return True
        case Value(_, field):
            return field == "media_kind"
    return False


def _values(column: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.unique(column[~np.isnan(column)])


def _numbers(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    columns = [_number(inputs[:, i], one) for i, one in enumerate(INPUTS) if not _is_category(one)]
    return np.stack(columns, axis=1)


def _number(column: NDArray[np.float32], one: Input) -> NDArray[np.float32]:
    match one.formula:
        case Rate():
            return np.log(np.maximum(column, np.float32(_LEAST_RATE)))
        case Age() | HoursSince() | Value():
            return np.log1p(np.maximum(column, np.float32(0.0)))
        case LogSum() | LogCount() | Asked():
            return column
    raise AssertionError(one)
