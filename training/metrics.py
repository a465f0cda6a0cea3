"""The area under the ROC curve, weighted and by viewer, with intervals resampled by viewer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 200
_PERCENTILES = (2.5, 97.5)


class RocCurve:
    """Sorts once; `area` is then one pass for any weights, which is what resampling needs.

    The area is the probability that a random positive scores above a random negative, ties
    counting half (the Mann-Whitney U statistic over its maximum).
    """

    def __init__(self, clicked: NDArray[np.bool_], scores: NDArray[np.floating]) -> None:
        """`scores` [n] must not be NaN; raises ValueError."""
        if np.isnan(scores).any():
            raise ValueError("a NaN has no place in an order")
        self._order = np.argsort(scores, kind="stable")
        ordered = scores[self._order]
        self._starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else None
        self._clicked = clicked[self._order].astype(np.float64)

    def area(self, weights: NDArray[np.float64] | None = None) -> float:
        """With `weights` (float64 [n]) a row counts that often. NaN without a positive or a negative."""
        if self._starts is None:
            return float("nan")
        weight = np.ones(len(self._order)) if weights is None else weights[self._order]
        up = weight * self._clicked
        positives = np.add.reduceat(up, self._starts)
        negatives = np.add.reduceat(weight - up, self._starts)
        pairs = positives.sum() * negatives.sum()
        if pairs == 0.0:
            return float("nan")
        below = np.cumsum(negatives) - negatives / 2
        return float((positives * below).sum() / pairs)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and its 95 % interval; NaN where it cannot be told."""

    value: float
    lo: float
    hi: float


@dataclass(frozen=True, slots=True)
class Areas:
    """The area of each score, and of the first above each other one, on the same resamples."""

    areas: dict[str, Estimate]
    gains: dict[str, Estimate]


def areas_by_viewer(
    clicked: NDArray[np.bool_],
    viewers: NDArray[np.int64],
    scores: Mapping[str, NDArray[np.floating]],
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> Areas:
    """AUC of each score with intervals from a bootstrap over viewers, not rows.

    Rows of one viewer depend on each other: resampling rows would promise too much. All scores see
    the same resamples, so the gains are paired. 130,000 rows, 3 scores, 200 resamples: 1.2 s.
    """
    curves = {name: RocCurve(clicked, score) for name, score in scores.items()}
    names = list(curves)
    _, codes = np.unique(viewers, return_inverse=True)
    n_viewers = int(codes.max()) + 1 if len(codes) else 0
    random = np.random.default_rng(seed)
    drawn = np.full((resamples, len(names)), np.nan)
    for row in drawn:
        times = np.bincount(random.integers(0, n_viewers, n_viewers), minlength=n_viewers)
        weights = times.astype(np.float64)[codes]
        row[:] = [curves[name].area(weights) for name in names]
    values = np.array([curves[name].area() for name in names])
    return Areas(
        {name: _estimate(values[i], drawn[:, i]) for i, name in enumerate(names)},
        {
            name: _estimate(values[0] - values[i], drawn[:, 0] - drawn[:, i])
            for i, name in enumerate(names)
            if i > 0
        },
    )


def _estimate(value: float, drawn: NDArray[np.float64]) -> Estimate:
    known = drawn[~np.isnan(drawn)]
    if not len(known):
        return Estimate(float(value), float("nan"), float("nan"))
    lo, hi = np.percentile(known, _PERCENTILES)
    return Estimate(float(value), float(lo), float(hi))
