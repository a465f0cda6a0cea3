"""NDCG@10: how high, within what was shown together, that stands which was wanted."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.dataset import Dataset
from training.resampling import Floats, Resamples

TOP = 10
_DAY_MS = 86_400_000
# By rank from 0; the last stands for all below the top.
_DISCOUNTS = np.r_[1.0 / np.log2(np.arange(TOP) + 2.0), 0.0]
_IDEAL = np.cumsum(_DISCOUNTS)

Grouping = Literal["request", "viewer-day"]


class Groups(NamedTuple):
    """What is ordered together: `codes` int64 [n], by `of`."""

    of: Grouping
    codes: NDArray[np.int64]


def groups(rows: Dataset) -> Groups:
    """Requests; or a viewer's day (UTC) where most items were shown alone, as where requests are unknown."""
    _, request, shown = np.unique(rows.requests, return_inverse=True, return_counts=True)
    if len(rows) and (shown[request] > 1).mean() > 0.5:
        return Groups("request", request.astype(np.int64))
    days = np.stack([rows.viewers, rows.ts_ms // _DAY_MS], axis=1)
    _, day = np.unique(days, axis=0, return_inverse=True)
    return Groups("viewer-day", day.reshape(-1).astype(np.int64))


class Ranked(NamedTuple):
    """NDCG of each group that has both kinds: `rows` int64 [k], one row of each, `values` float64 [k]."""

    rows: NDArray[np.int64]
    values: Floats


def ndcg(happened: NDArray[np.bool_], scores: NDArray[np.floating], codes: NDArray[np.int64]) -> Ranked:
    """Järvelin and Kekäläinen 2002, gain 1 or 0; of equal scores each has the mean of their places.

    Groups of one kind only are left out: every order of them is the same.
    """
    if not len(codes):
        return Ranked(np.empty(0, np.int64), np.empty(0))
    order = np.lexsort((-scores, codes))
    group, score, gain = codes[order], scores[order], happened[order].astype(np.float64)
    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    sizes = np.diff(np.r_[starts, len(group)])
    ranks = np.arange(len(group)) - np.repeat(starts, sizes)
    discounts = _DISCOUNTS[np.minimum(ranks, TOP)]
    ties = np.flatnonzero(np.r_[True, (group[1:] != group[:-1]) | (score[1:] != score[:-1])])
    tied = np.diff(np.r_[ties, len(group)])
    discounts = np.repeat(np.add.reduceat(discounts, ties) / tied, tied)
    wanted = np.add.reduceat(gain, starts).astype(np.int64)
    reached = np.add.reduceat(gain * discounts, starts)
    both = (wanted > 0) & (wanted < sizes)
    ideal = _IDEAL[np.minimum(wanted[both], TOP) - 1]
    return Ranked(order[starts[both]].astype(np.int64), reached[both] / ideal)


def resampled_ndcg(ranked: Ranked, rows: NDArray[np.int64], resamples: Resamples) -> Floats:
    """The mean over groups: float64 [1 + count], the data's own first; NaN where there is no group.

    `rows` int64 [n] are the rows that `ranked` was made of. A group is its viewer's.
    """
    n = len(ranked.rows)
    cells = np.repeat(np.array([0, 1], np.int64), n)
    at = np.tile(rows[ranked.rows], 2)
    total, count = resamples.sums(cells, 2, at, np.r_[ranked.values, np.ones(n)])
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 0, total / count, np.nan)
