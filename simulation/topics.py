"""What there is to write about, and how it reads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulation.draws import uniform

TOPICS = (
    "gardens",
    "rockets",
    "cooking",
    "chess",
    "jazz",
    "glaciers",
    "databases",
    "cycling",
    "football",
    "poetry",
    "elections",
    "cats",
)
_OPENERS = ("On", "More on", "A note on", "Thoughts about", "What I learnt about", "Three facts about")
_DETAILS = ("at dawn", "the slow way", "for beginners", "in the rain", "after ten years", "by the numbers")


def texts(seed: int, keys: NDArray[np.int64], topics: NDArray[np.int64]) -> list[str]:
    """What a tweet of each key [n] about each topic [n] says. The text tells its topic, not its worth."""
    openers = (uniform(seed, "opener", keys) * len(_OPENERS)).astype(np.int64)
    details = (uniform(seed, "detail", keys) * len(_DETAILS)).astype(np.int64)
    return [
        f"{_OPENERS[opener]} {TOPICS[topic]} {_DETAILS[detail]}"
        for opener, topic, detail in zip(openers.tolist(), topics.tolist(), details.tolist(), strict=True)
    ]
