"""What the heads learned from, and what none of them did: the rows that a card is of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

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
