"""A viewer's day as if it had been ranked at once, when it began.

Features follow the viewer through the day, so later items know how the earlier ones went. Of a group with
a given number of clicks, a click that is known already is one that can no longer come: within the group the
viewer's own rates point the wrong way (Nickell's bias). On KuaiRand that put the model's NDCG@10 at 0.795,
below popularity's 0.827, and at 0.835 without it. Within a request the viewer's features are one row anyway.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.schema import FEATURES

_VIEWER = np.array([i for i, name in enumerate(FEATURES) if name.startswith("u.")])
_PAIR = np.array([i for i, name in enumerate(FEATURES) if name.startswith("va.")])
_MET = FEATURES.index("va.seen_log_30d")


def as_of_its_start(inputs: NDArray[np.float32], days: NDArray[np.int64]) -> NDArray[np.float32]:
    """`inputs` float32 [n, len(FEATURES)], by time, with the viewer's columns of each group's first row.

    `days` int64 [n] are the groups. Columns of viewer and author are the first row's too where neither row
    knows the pair: they lean on the viewer's then. Of pairs that have met they stay as they are.
    """
    steady = inputs.copy()
    _, firsts, place = np.unique(days, return_index=True, return_inverse=True)
    first = firsts[place]
    steady[:, _VIEWER] = inputs[first[:, None], _VIEWER]
    strangers = np.flatnonzero(np.isnan(inputs[:, _MET]) & np.isnan(inputs[first, _MET]))
    steady[strangers[:, None], _PAIR] = inputs[first[strangers, None], _PAIR]
    return steady
