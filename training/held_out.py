"""What the heads learned from, and what none of them did: the rows that a card is of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from training.booster import raw_scores
from training.calibrate import sigmoid
from training.dataset import UNKNOWN, Dataset
from training.head import LearnedHead, split_of


class HeldOut(NamedTuple):
    """The rows of a training twice; in each a head's label is known only where it was of that part.

    `judged` are those that calibrated a head, of which its trees have seen nothing.
    """

    learned: Dataset
    judged: Dataset


def held_out(found: Dataset, heads: Sequence[LearnedHead]) -> HeldOut:
    """`found` is what `heads` were learned from; a constant holds nothing out."""
    learned, judged = (
        {head: np.full(len(found), UNKNOWN, np.int8) for head in found.labels} for _ in range(2)
    )
    for one in heads:
        if one.constant:
            continue
        split, known = split_of(found, one.name, one.window_s), found.labels[one.name]
        learned[one.name][split.learn] = known[split.learn]
        judged[one.name][split.calibrate] = known[split.calibrate]
    parts = (replace(found, labels=labels) for labels in (learned, judged))
    return HeldOut(
        *(part.take(np.any([known != UNKNOWN for known in part.labels.values()], axis=0)) for part in parts)
    )


def held_out_scores(heads: Sequence[LearnedHead], inputs: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities by the trees that know nothing of what was held out: float64 [n, n_heads]."""
    columns = [
        (
            np.zeros(len(inputs))
            if one.constant
            else one.calibration.a * raw_scores(lgb.Booster(model_str=one.judged), inputs)
        )
        + one.calibration.b
        for one in heads
    ]
    return sigmoid(np.stack(columns, axis=1))
