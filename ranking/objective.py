"""What the ranking is for: weights over the model's heads, as a document."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigurationError

VERSION = 1


class Weight(msgspec.Struct, frozen=True):
    """`w` applies; an editor may set it within `min` and `max`."""

    w: float
    min: float = -10.0
    max: float = 10.0


class Objective(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    objective: int
    name: str
    version: int
    author: str
    reason: str
    weights: dict[str, Weight]

    @property
    def label(self) -> str:
        return f"{self.name}@{self.version}"


ENGAGEMENT = Objective(
    objective=VERSION,
    name="engagement",
    version=1,
    author="rankfeed",
    reason="What viewers click: the preset that a new installation starts with.",
    weights={"click": Weight(1.0)},
)


def weights_for(objective: Objective, heads: Sequence[str]) -> NDArray[np.float64]:
    """One weight a head, float64 [n_heads], 0 where the objective does not name it.

    Raises ConfigurationError for a head that the model does not have, and for a weight that is not
    finite or out of its bounds.
    """
    for head, weight in objective.weights.items():
        if head not in heads:
            raise ConfigurationError(
                f"objective {objective.label} weighs the head '{head}'; the model has {', '.join(heads)}"
            )
        if not (math.isfinite(weight.w) and weight.min <= weight.w <= weight.max):
            raise ConfigurationError(
                f"objective {objective.label}: the weight of '{head}' must lie in "
                f"{weight.min} to {weight.max}"
            )
    return np.array(
        [objective.weights[head].w if head in objective.weights else 0.0 for head in heads], np.float64
    )


def utility(heads: NDArray[np.float32], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """float64 [n]: the weighted sum of heads (float32 [n, n_heads]), added in the heads' order.

    One head after the other, not a matrix product, so that the bits do not depend on the batch.
    """
    total = np.zeros(len(heads), np.float64)
    for column, weight in enumerate(weights.tolist()):
        total += heads[:, column].astype(np.float64) * weight
    return total
