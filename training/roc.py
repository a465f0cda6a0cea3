"""The area under the ROC curve, exactly and in resamples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.resampling import Floats, Resamples

# Resamples see the order by quantiles; what that changes of the area is put right for the whole.
_BINS = 2_048


def area(happened: NDArray[np.bool_], scores: NDArray[np.floating]) -> float:
    """The probability that a random positive scores above a random negative, ties counting half.

    The Mann-Whitney U statistic over its maximum; NaN without a positive or a negative. `scores` [n]
    must not be NaN; raises ValueError.
    """
    if np.isnan(scores).any():
        raise ValueError("a NaN has no place in an order")
    _, places = np.unique(scores, return_inverse=True)
    counts = np.stack(
        [np.bincount(places[happened == one], minlength=len(scores)) for one in (True, False)]
    ).astype(np.float64)
    return float(_areas(counts[0][:, None], counts[1][:, None])[0])


def resampled_area(
    happened: NDArray[np.bool_], scores: NDArray[np.floating], rows: NDArray[np.int64], resamples: Resamples
) -> Floats:
    """float64 [1 + count]: the area, exactly, and in each resample by `_BINS` quantiles of the scores.

    `happened` and `scores` are of `rows`. What the bins change of the area itself is added to every
    resample: what is left of it is in the sixth digit, and equal scores have equal areas.
    """
    exact = area(happened, scores)
    bins = _bins(scores)
    n_bins = int(bins.max()) + 1 if len(bins) else 0
    sums = resamples.sums(bins + n_bins * happened, 2 * n_bins, rows, np.ones(len(rows)))
    areas = _areas(sums[n_bins:], sums[:n_bins])
    corrected: Floats = areas + (exact - areas[0])
    return corrected


def _bins(scores: NDArray[np.floating]) -> NDArray[np.int64]:
    values, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    if len(values) <= _BINS:
        return np.asarray(places, np.int64)
    of_value = (np.cumsum(counts) - 1) * _BINS // len(scores)
    return np.asarray(of_value[places], np.int64)


def _areas(positives: Floats, negatives: Floats) -> Floats:
    """Of weights by score, ascending: float64 [n_scores, k] each; float64 [k]."""
    pairs = positives.sum(axis=0) * negatives.sum(axis=0)
    below = np.cumsum(negatives, axis=0) - negatives / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(pairs > 0, (positives * below).sum(axis=0) / pairs, np.nan)
