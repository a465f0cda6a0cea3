"""What is ordered together, where its items would stand, and the mean of what each group comes to."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.dataset import Dataset
from training.resampling import Floats, Resamples

_DAY_MS = 86_400_000

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


class Placed(NamedTuple):
    """n rows by group, best first: `order` int64 [n] are the rows, `weights` float64 [n] those of their
    places; a group begins at each of `starts` and has `sizes` rows, int64 [n_groups]."""

    order: NDArray[np.int64]
    weights: Floats
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]

    def sums(self, values: Floats) -> Floats:
        """float64 [n_groups]: of `values` [n] of the rows, each times the weight of its place."""
        return np.add.reduceat(values[self.order] * self.weights, self.starts)


def placed(codes: NDArray[np.int64], scores: NDArray[np.floating], of_place: Floats) -> Placed:
    """`codes` and `scores` are [n], n at least 1. `of_place` has a weight for each place from the top; its
    last is that of all below. Of equal scores each has the mean weight of their places."""
    order = np.lexsort((-scores, codes))
    group, score = codes[order], scores[order]
    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    sizes = np.diff(np.r_[starts, len(group)])
    ranks = np.arange(len(group)) - np.repeat(starts, sizes)
    weights = of_place[np.minimum(ranks, len(of_place) - 1)]
    ties = np.flatnonzero(np.r_[True, (group[1:] != group[:-1]) | (score[1:] != score[:-1])])
    tied = np.diff(np.r_[ties, len(group)])
    weights = np.repeat(np.add.reduceat(weights, ties) / tied, tied)
    return Placed(order.astype(np.int64), weights, starts.astype(np.int64), sizes.astype(np.int64))


class OfGroups(NamedTuple):
    """One number a group: `rows` int64 [k], one row of each, `values` float64 [k]."""

    rows: NDArray[np.int64]
    values: Floats


def resampled_mean(found: OfGroups, rows: NDArray[np.int64], resamples: Resamples) -> Floats:
    """The mean over groups: float64 [1 + count], the data's own first; NaN where there is no group.

    `rows` int64 [n] are the rows that `found` was made of. A group is its viewer's.
    """
    n = len(found.rows)
    cells = np.repeat(np.array([0, 1], np.int64), n)
    at = np.tile(rows[found.rows], 2)
    total, count = resamples.sums(cells, 2, at, np.r_[found.values, np.ones(n)])
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 0, total / count, np.nan)
