"""What is left of position given that an item was seen: how much likelier its place made an event.

Items at the top are better, too, and readers who get far down are keener; neither is the place's
doing. So what happened at a place is compared with what its items and readers let expect:

    offset(p) = logit((c_p + k m) / (n_p + k)) - logit((e_p + k m) / (n_p + k))

with n_p impressions at place p, c_p events, e_p the events that the same number of impressions of
the same fifths (of the item's, and of the reader's own rate as of then) have on average at any place,
m the rate at all places, and k = `STRENGTH` impressions that pull a place nobody saw much towards no
offset. Then the mean over the impressions is taken off, so that 0, which stands for an unknown place
and for serving, is the average one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.schema import FEATURES
from training.labels import Head

STRENGTH = 200.0
PLACES = 50
"""From here on places are one."""

_FIFTHS = (0.2, 0.4, 0.6, 0.8)
_EVENT = {"dwell": "long_dwell"}

Floats = NDArray[np.float64]


def position_offsets(
    head: Head,
    inputs: NDArray[np.float32],
    positive: NDArray[np.bool_],
    positions: NDArray[np.int32],
) -> Floats:
    """Log-odds by place: float64 [PLACES + 1]; all 0 where no place is known, or only one is.

    `inputs` float32 [n, n_features], `positions` int32 [n], negative where it is not known.
    """
    known = positions >= 0
    places = np.minimum(positions[known], PLACES)
    seen = np.bincount(places, minlength=PLACES + 1).astype(np.float64)
    if (seen > 0).sum() < 2:
        return np.zeros(PLACES + 1)
    happened = positive[known].astype(np.float64)
    events = np.bincount(places, happened, PLACES + 1)
    expected = np.bincount(places, _expected(head, inputs[known], happened), PLACES + 1)
    prior = STRENGTH * happened.mean()
    offsets = _logit((events + prior) / (seen + STRENGTH)) - _logit((expected + prior) / (seen + STRENGTH))
    centred: Floats = offsets - (offsets * seen).sum() / seen.sum()
    return centred


def at_places(offsets: Floats, positions: NDArray[np.int32]) -> Floats:
    """The offset of each row: float64 [n], 0 where its place is not known."""
    return np.where(positions >= 0, offsets[np.clip(positions, 0, PLACES)], 0.0)


def _expected(head: Head, inputs: NDArray[np.float32], happened: Floats) -> Floats:
    """The rate of the fifths that each row is in: float64 [n]."""
    event = _EVENT.get(head, head)
    strata = np.zeros(len(happened), np.intp)
    for view in ("t", "u"):
        rates = inputs[:, FEATURES.index(f"{view}.{event}_rate_30d")]
        strata = strata * (len(_FIFTHS) + 1) + np.searchsorted(np.quantile(rates, _FIFTHS), rates)
    rows = np.bincount(strata)
    rates_of = np.bincount(strata, happened) / np.maximum(rows, 1)
    return rates_of[strata]


def _logit(rate: Floats) -> Floats:
    bounded = np.clip(rate, 1e-9, 1.0 - 1e-9)
    return np.log(bounded / (1.0 - bounded))
