"""What a model is compared with, on the same rows: simple ways to rank that need no model of ours."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from core.ids import ID_UNITS_A_MS
from features.schema import FEATURES
from training.labels import Head

CHRONOLOGICAL, POPULARITY, LOGISTIC, CHAMPION = "chronological", "popularity", "logistic", "champion"

_AGE = FEATURES.index("t.age_h")
# The tweet's own decayed rate as of the moment; where it has few views it leans on its author's,
# which makes it a harder baseline than the bare quotient (KuaiRand: AUC 0.667 against 0.663).
_RATES: Mapping[Head, int] = {
    "click": FEATURES.index("t.click_rate_30d"),
    "like": FEATURES.index("t.like_rate_30d"),
    "dwell": FEATURES.index("t.long_dwell_rate_30d"),
    "hide": FEATURES.index("t.hide_rate_30d"),
    "reply": FEATURES.index("t.reply_rate_30d"),
    "retweet": FEATURES.index("t.retweet_rate_30d"),
}


def youngest(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """What was youngest when it was looked at: float32 [n] from float32 [n, len(FEATURES)], no probability.

    Of rows of any moments. It is no time order of what was looked at one after the other: of two tweets of
    one moment it puts the one that was looked at first above.
    """
    return -np.nan_to_num(inputs[:, _AGE], nan=np.inf)


def newest(tweets: NDArray[np.int64]) -> NDArray[np.float64]:
    """What was written last, as a feed in time order has it: float64 [n] from ids int64 [n]; ties are equal.

    Ids carry the time of writing, to the millisecond, an import's too.
    """
    return (tweets // ID_UNITS_A_MS).astype(np.float64)


def popularity(inputs: NDArray[np.float32], head: Head) -> NDArray[np.float32]:
    """The tweet's rate of the head's event: a probability, float32 [n] from float32 [n, len(FEATURES)]."""
    return np.nan_to_num(inputs[:, _RATES[head]], nan=0.0)
