"""What the ranking is for: weights over the model's heads and what multiplies their sum, as a document.

    utility = Σ weight(head) · head
    score   = utility · freshness · source · seen

`ranking.diversity` then demotes what an author has too much of. Where the utility is negative (a head
like `hide` outweighs the others) every multiplier is inverted: what makes a good item worse makes a bad
one worse still, never better.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from core.errors import ConfigurationError
from core.ids import EPOCH_MS
from stores.ports import Ids

VERSION = 1
MOST_HALF_LIVES = 64.0
"""Of this age on, freshness does not fall any more: its inverse must stay finite."""


class Weight(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`w` applies; an editor may set it within `min` and `max`."""

    w: float
    min: float = -10.0
    max: float = 10.0


class FreshnessDecay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tweet's multiplier halves with every `half_life_s` of its age; a retweet has its original's age."""

    half_life_s: float


class Diversity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The k-th item of one author, counted from 0, is multiplied by (1 - floor) · decay^k + floor.

    The formula is that of xai-org/x-algorithm's author diversity scorer.
    """

    decay: float
    floor: float


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the viewer has looked at before is multiplied by `factor`: a second look is worth less."""

    factor: float


class Exploration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The share of requests whose order is drawn, and how widely."""

    share: float
    temperature: float


class Objective(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`version` counts what was ever set for a feed; `set_at` is RFC 3339, UTC, "" for a preset."""

    objective: int
    name: str
    version: int
    author: str
    reason: str
    weights: dict[str, Weight]
    freshness: FreshnessDecay | None = None
    diversity: Diversity | None = None
    source_factor: dict[str, float] = {}
    exploration: Exploration | None = None
    guardrails: list[str] = []
    set_at: str = ""
    seen: Seen | None = None

    @property
    def label(self) -> str:
        return f"{self.name}@{self.version}"


class Terms(NamedTuple):
    """What a score is made of, for n candidates, float64 [n] each.

    `freshness`, `source` and `seen` are as they were applied: inverted where the utility is negative.
    """

    utility: NDArray[np.float64]
    freshness: NDArray[np.float64]
    source: NDArray[np.float64]
    seen: NDArray[np.float64]
    score: NDArray[np.float64]


SEEN = Seen(factor=0.1)
"""That of the presets: what was looked at stands below nearly all that was not, for who scrolls on."""

ENGAGEMENT = Objective(
    objective=VERSION,
    name="engagement",
    version=1,
    author="rankfeed",
    reason="What viewers click: the preset that a new installation starts with.",
    weights={"click": Weight(1.0)},
    diversity=Diversity(decay=0.85, floor=0.25),
    seen=SEEN,
)


def check(objective: Objective, heads: Sequence[str]) -> None:
    """Raises ConfigurationError where a model with these heads cannot serve the objective."""
    weights_for(objective, heads)


def terms(
    objective: Objective,
    head_names: Sequence[str],
    heads: NDArray[np.float32],
    ages_s: NDArray[np.float64],
    sources: Sequence[str],
    looked_at: NDArray[np.bool_] | None = None,
) -> Terms:
    """The score of n candidates: `heads` float32 [n, n_heads], `ages_s` [n] (below 0 counts as 0).

    `looked_at`, bool [n], are those that the viewer has seen before; None for none of them.

    Each row's bits are its own, whatever else is in the batch. Raises ConfigurationError where the
    objective does not fit the heads; what is no number in `heads` is none in the score.
    """
    worth = utility(heads, weights_for(objective, head_names))
    inverted = worth < 0
    freshness = _applied(_freshness(objective.freshness, ages_s), inverted)
    source = _applied(_source_factors(objective.source_factor, sources), inverted)
    seen = _applied(_seen(objective.seen, looked_at, len(worth)), inverted)
    return Terms(worth, freshness, source, seen, worth * freshness * source * seen)


def ages_s(ids: Ids, at_ms: int) -> NDArray[np.float64]:
    """float64 [n]: seconds from the time in each id to a moment, so that a record of ids tells it too."""
    return (at_ms - ((ids >> 22) + EPOCH_MS)) / 1000.0


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


def reweighed(objective: Objective, weights: Mapping[str, float]) -> Objective:
    """With other weights for some heads, within the bounds that these have."""
    changed = dict(objective.weights)
    for head, w in weights.items():
        changed[head] = replace(changed[head], w=w) if head in changed else Weight(w)
    return replace(objective, weights=changed)


def utility(heads: NDArray[np.float32], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """float64 [n]: the weighted sum of heads (float32 [n, n_heads]), added in the heads' order.

    One head after the other, not a matrix product, so that the bits do not depend on the batch.
    """
    total = np.zeros(len(heads), np.float64)
    for column, weight in enumerate(weights.tolist()):
        total += heads[:, column].astype(np.float64) * weight
    return total


def _freshness(decay: FreshnessDecay | None, ages: NDArray[np.float64]) -> NDArray[np.float64]:
    if decay is None:
        return np.ones(len(ages), np.float64)
    half_lives = np.clip(ages / decay.half_life_s, 0.0, MOST_HALF_LIVES)
    # Rounded to float32: exp2 may differ in float64's last place between processors, and a replay
    # elsewhere shall come to the same bits.
    return np.exp2(-half_lives).astype(np.float32).astype(np.float64)


def _source_factors(factors: dict[str, float], sources: Sequence[str]) -> NDArray[np.float64]:
    if not factors:
        return np.ones(len(sources), np.float64)
    return np.array([factors.get(source, 1.0) for source in sources], np.float64)


def _seen(seen: Seen | None, looked_at: NDArray[np.bool_] | None, n: int) -> NDArray[np.float64]:
    if seen is None or looked_at is None:
        return np.ones(n, np.float64)
    return np.where(looked_at, seen.factor, 1.0)


def _applied(multiplier: NDArray[np.float64], inverted: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.where(inverted, 1.0 / multiplier, multiplier) if inverted.any() else multiplier
