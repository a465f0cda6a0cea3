"""One way to order rows, what it comes to, and how far another one is above it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation import Baseline, Calibration, Gain
from training.groups import resampled_mean
from training.ndcg import ndcg
from training.probabilities import Bin, Reliability, reliability
from training.resampling import Estimate, Floats, Resamples, estimate
from training.roc import resampled_area

Scores = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Order:
    """Scores [n]: each row by itself (`apart`), and as its group is ordered at once (`together`).

    `probability` says that a score is the chance of the event.
    """

    apart: Scores
    together: Scores
    probability: bool = True


@dataclass(frozen=True, slots=True)
class Measured:
    """In the data (first) and in each resample: float64 [1 + count] each; `groups` are those of NDCG."""

    auc: Floats
    ndcg10: Floats
    groups: int
    reliability: Reliability | None

    @property
    def log_loss(self) -> Estimate | None:
        return None if self.reliability is None else estimate(self.reliability.log_loss)

    @property
    def calibration(self) -> Calibration | None:
        if self.reliability is None:
            return None
        return Calibration(estimate(self.reliability.error), estimate(self.reliability.ratio))

    @property
    def curve(self) -> list[Bin]:
        return [] if self.reliability is None else self.reliability.curve


def measure(
    order: Order,
    at: NDArray[np.int64],
    happened: NDArray[np.bool_],
    groups: NDArray[np.int64],
    resamples: Resamples,
) -> Measured:
    """Of the rows `at` int64 [m]; `happened` is bool [m], `groups` int64 [n] are of all rows."""
    ranked = ndcg(happened, order.together[at], groups[at])
    return Measured(
        resampled_area(happened, order.apart[at], at, resamples),
        resampled_mean(ranked, at, resamples),
        len(ranked.rows),
        reliability(happened, order.apart[at], at, resamples) if order.probability else None,
    )


def against(own: Measured, other: Measured) -> Baseline:
    """The other one, and what `own` gains over it."""
    loss = None
    if own.reliability is not None and other.reliability is not None:
        loss = estimate(other.reliability.log_loss - own.reliability.log_loss)
    return Baseline(
        estimate(other.auc),
        estimate(other.ndcg10),
        other.log_loss,
        other.calibration,
        Gain(estimate(own.auc - other.auc), estimate(own.ndcg10 - other.ndcg10), loss),
    )
