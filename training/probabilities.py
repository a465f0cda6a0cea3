"""What a probability is worth as one: log loss, calibration, and the reliability curve."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from training.resampling import Estimate, Floats, Resamples, estimate

_BINS = 15
# Nobody is certain; without it one sure mistake would be an infinite loss.
_SURE = 1e-7


class Bin(msgspec.Struct, frozen=True):
    """One part of the reliability curve: `rows` impressions, what was predicted, and what came of it."""

    rows: int
    predicted: float
    happened: Estimate


@dataclass(frozen=True, slots=True)
class Reliability:
    """In the data (first) and in each resample, float64 [1 + count] each; `curve` by rising prediction.

    `error` is the expected calibration error: the mean distance of prediction and share over bins of
    equally many rows (Naeini et al. 2015, by quantiles). `ratio` is the sum of predictions over the
    number of events.
    """

    log_loss: Floats
    error: Floats
    ratio: Floats
    curve: list[Bin]


def reliability(
    happened: NDArray[np.bool_],
    probabilities: NDArray[np.floating],
    rows: NDArray[np.int64],
    resamples: Resamples,
) -> Reliability:
    """`happened` and `probabilities` are of `rows`; equal predictions share a bin."""
    predicted = probabilities.astype(np.float64)
    sure = np.clip(predicted, _SURE, 1.0 - _SURE)
    loss = -np.where(happened, np.log(sure), np.log1p(-sure))
    bins, n_bins = _quantiles(predicted)
    # Events, predictions and rows of each bin, and the loss of all.
    cells = np.concatenate([bins, bins + n_bins, bins + 2 * n_bins, np.full(len(bins), 3 * n_bins)])
    values = np.concatenate([happened.astype(np.float64), predicted, np.ones(len(bins)), loss])
    sums = resamples.sums(cells, 3 * n_bins + 1, np.tile(rows, 4), values)
    came, said, n = sums[:n_bins], sums[n_bins : 2 * n_bins], sums[2 * n_bins : 3 * n_bins]
    with np.errstate(invalid="ignore", divide="ignore"):
        total = n.sum(axis=0)
        shares = came / n
        return Reliability(
            log_loss=sums[-1] / total,
            error=np.abs(came - said).sum(axis=0) / total,
            ratio=np.where(came.sum(axis=0) > 0, said.sum(axis=0) / came.sum(axis=0), np.nan),
            curve=[
                Bin(int(n[i, 0]), float(said[i, 0] / n[i, 0]), estimate(shares[i])) for i in range(n_bins)
            ],
        )


def _quantiles(predicted: Floats) -> tuple[NDArray[np.int64], int]:
    edges = np.unique(np.quantile(predicted, np.arange(1, _BINS) / _BINS)) if len(predicted) else predicted
    _, bins = np.unique(np.searchsorted(edges, predicted), return_inverse=True)
    return bins.astype(np.int64), int(bins.max()) + 1 if len(bins) else 0
