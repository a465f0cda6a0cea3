"""What a model is compared with, on the same rows: simple ways to rank that need no model of ours."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

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


def chronological(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """The newest first: float32 [n] from float32 [n, len(FEATURES)], an order and no probability."""
    return -np.nan_to_num(inputs[:, _AGE], nan=np.inf)


def popularity(inputs: NDArray[np.float32], head: Head) -> NDArray[np.float32]:
    """The tweet's rate of the head's event: a probability, float32 [n] from float32 [n, len(FEATURES)]."""
    return np.nan_to_num(inputs[:, _RATES[head]], nan=0.0)
