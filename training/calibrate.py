"""From a booster's raw scores to probabilities: a sigmoid of a * raw + b (Platt, 1999).

Fitted by maximum likelihood, each of a and b pulled a little towards what it would be if nothing were
wrong (a = 1, b = the log-odds the booster began from), so that a slice with few events is no trouble.
A slope is never below `MIN_SLOPE`: calibration must not turn an order round.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ranking.bundle import Calibration

MIN_SLOPE = 0.1
_PULL = 1.0
_STEPS = 50
_ENOUGH = 1e-10

Floats = NDArray[np.float64]


def fit_sigmoid(raw: Floats, positive: NDArray[np.bool_], offset: Floats, *, start: float) -> Calibration:
    """`raw` float64 [n] without the offset, `offset` float64 [n] what position adds, `start` the b before.

    Without rows it is a = 1, b = start.
    """
    if not len(raw):
        return Calibration(1.0, start)
    happened = positive.astype(np.float64)
    slope, shift = _fit(np.stack([raw, np.ones(len(raw))]), happened, offset, np.array([1.0, start]))
    if slope < MIN_SLOPE:
        slope = MIN_SLOPE
        (shift,) = _fit(np.ones((1, len(raw))), happened, offset + slope * raw, np.array([start]))
    return Calibration(float(slope), float(shift))


def sigmoid(values: Floats) -> Floats:
    """1 / (1 + exp(-values)) without overflow."""
    small = np.exp(-np.abs(values))
    return np.where(values >= 0, 1.0, small) / (1.0 + small)


def _fit(columns: Floats, happened: Floats, offset: Floats, prior: Floats) -> Floats:
    """Newton's method from `prior`, float64 [k]; `columns` float64 [k, n]. Halves steps that go uphill."""
    found = prior.copy()
    loss = _loss(found, columns, happened, offset, prior)
    for _ in range(_STEPS):
        predicted = sigmoid(_sum(found, columns) + offset)
        slope = (columns * (predicted - happened)).sum(axis=1) + _PULL * (found - prior)
        weighted = columns * (predicted * (1.0 - predicted))
        # Sums of products, not BLAS: the same bits whatever the number of threads.
        curve = np.array([[(one * other).sum() for other in columns] for one in weighted])
        step = np.linalg.solve(curve + _PULL * np.eye(len(prior)), slope)
        following = loss
        while np.abs(step).max() > _ENOUGH:
            following = _loss(found - step, columns, happened, offset, prior)
            if following <= loss:
                break
            step = step / 2
        else:
            return found
        found, loss = found - step, following
    return found


def _sum(weights: Floats, columns: Floats) -> Floats:
    total: Floats = (weights[:, None] * columns).sum(axis=0)
    return total


def _loss(weights: Floats, columns: Floats, happened: Floats, offset: Floats, prior: Floats) -> float:
    logits = _sum(weights, columns) + offset
    surprise = np.logaddexp(0.0, logits) - happened * logits
    return float(surprise.sum() + _PULL / 2 * ((weights - prior) ** 2).sum())
