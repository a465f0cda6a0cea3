"""Who gets which order of their feed, and the two orders that no product could make."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from simulation.draws import Floats, uniform
from simulation.tweets import Ints

Arm = Literal["chronological", "random", "ranked", "oracle"]
ARMS: tuple[Arm, ...] = get_args(Arm)

_SHARES: tuple[float, ...] = (0.38, 0.10, 0.34, 0.18)
"""Most viewers for the two that are compared; time order has two halves, which must not differ."""


def arms_of(seed: int, viewers: int) -> NDArray[np.int64]:
    """Indices into ARMS, int64 [viewers], by a hash of viewer and seed."""
    drawn = uniform(seed, "arm", np.arange(viewers))
    return np.searchsorted(np.cumsum(_SHARES), drawn * sum(_SHARES), side="right").clip(max=len(ARMS) - 1)


def halves_of(seed: int, viewers: int) -> NDArray[np.bool_]:
    """Which half of an A/A split each viewer is in, bool [viewers]."""
    return uniform(seed, "half", np.arange(viewers)) < 0.5


def random_order(seed: int, viewer: int, keys: Ints, session: int) -> Ints:
    """The places of tweets [n] as chance has them, int64 [n]."""
    return np.argsort(uniform(seed, "random order", viewer, keys, session), kind="stable")


def best_order(worth: Floats) -> Ints:
    """The places of tweets [n] by what they are truly worth, best first, int64 [n]."""
    return np.argsort(-worth, kind="stable")
