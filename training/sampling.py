"""Fewer negatives where there are very many: they cost time and say little."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]


def kept_rate(n_rows: int, n_positives: int, *, most: int) -> float:
    """The share of negatives to keep for `most` rows, or as many negatives as positives; 1 for all."""
    negatives = n_rows - n_positives
    wanted = max(most - n_positives, n_positives)
    return 1.0 if n_rows <= most or wanted >= negatives else wanted / negatives


def keep_negatives(rows: Rows, positive: NDArray[np.bool_], rate: float, *, seed: int) -> Rows:
    """Every positive and that share of the negatives of `rows`, in their order; `positive` is of them.

    A model of what was kept has log-odds that are too high by -log(rate), everywhere alike, because
    each negative was as likely to be kept.
    """
    if rate >= 1.0:
        return rows
    negatives = np.flatnonzero(~positive)
    kept = positive.copy()
    kept[np.random.default_rng(seed).choice(negatives, round(rate * len(negatives)), replace=False)] = True
    return rows[kept]
