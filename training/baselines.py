"""The orders that a model is compared with, read off the same rows that it scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.schema import FEATURES

MODEL = "model"
ITEM = "item's click-through alone"
NEWEST = "chronological"

# The tweet's own decayed rate as of the moment; where it has few views it leans on its author's,
# which makes it a harder baseline than the bare quotient (KuaiRand: AUC 0.667 against 0.663).
_ITEM = FEATURES.index("t.click_rate_30d")
_AGE = FEATURES.index("t.age_h")


def order_scores(model: NDArray[np.floating], inputs: NDArray[np.float32]) -> dict[str, NDArray[np.floating]]:
    """Scores [n] by the order's name, the model's first; higher is shown earlier, nothing is NaN."""
    return {
        MODEL: model,
        ITEM: np.nan_to_num(inputs[:, _ITEM], nan=-1.0),
        NEWEST: -np.nan_to_num(inputs[:, _AGE], nan=np.inf),
    }
