"""NDCG@10: how high, within what was shown together, that stands which was wanted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.groups import OfGroups, placed

TOP = 10
# By rank from 0; the last stands for all below the top.
_DISCOUNTS = np.r_[1.0 / np.log2(np.arange(TOP) + 2.0), 0.0]
_IDEAL = np.cumsum(_DISCOUNTS)


def ndcg(happened: NDArray[np.bool_], scores: NDArray[np.floating], codes: NDArray[np.int64]) -> OfGroups:
    """Järvelin and Kekäläinen 2002, gain 1 or 0; of equal scores each has the mean of their places.

    Groups of one kind only are left out: every order of them is the same.
    """
    if not len(codes):
        return OfGroups(np.empty(0, np.int64), np.empty(0))
    there, gain = placed(codes, scores, _DISCOUNTS), happened.astype(np.float64)
    wanted = np.add.reduceat(gain[there.order], there.starts).astype(np.int64)
    both = (wanted > 0) & (wanted < there.sizes)
    ideal = _IDEAL[np.minimum(wanted[both], TOP) - 1]
    return OfGroups(there.order[there.starts[both]], there.sums(gain)[both] / ideal)
