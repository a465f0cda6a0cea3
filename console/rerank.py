"""Other weights for the same candidates: what they would change, and the command that would set them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranking.explain import Weighing
from ranking.objective import Objective, Weight

STEPS = 400
"""Of a slider, from a weight's least to its most."""


@dataclass(frozen=True, slots=True)
class Moves:
    """What became of n candidates: `up` int64 [n] says by how many places each stands higher than before
    (below 0: lower), `entered` how many are among the first `shown` that were not."""

    up: NDArray[np.int64]
    shown: int
    entered: int

    @property
    def moved(self) -> int:
        return int(np.count_nonzero(self.up))

    @property
    def words(self) -> str:
        if not self.moved:
            return "Nothing moves: this is the order that is served."
        moved = f"{self.moved} of {len(self.up)} tweets move"
        return f"{moved}; {self.entered} of the first {self.shown} are new there."


def moves(before: Weighing, after: Weighing, shown: int) -> Moves:
    shown = min(shown, len(before.places))
    entered = int(np.count_nonzero((after.places < shown) & (before.places >= shown)))
    return Moves(before.places - after.places, shown, entered)


def weights_of(objective: Objective, heads: Sequence[str]) -> dict[str, Weight]:
    """One a head of the model, in the model's order: 0 where the objective does not name it."""
    return {head: objective.weights.get(head, Weight(0.0)) for head in heads}


def step_of(weight: Weight) -> float:
    """Of the weight's slider: 0.05 where it goes from -10 to 10."""
    return (weight.max - weight.min) / STEPS


def command(objective: Objective, weights: Mapping[str, float]) -> str:
    """What would make these weights apply; "" where they do."""
    known = objective.weights
    changed = {head: w for head, w in weights.items() if w != (known[head].w if head in known else 0.0)}
    if not changed:
        return ""
    options = [f"--weight {shlex.quote(f'{head}={w:g}')}" for head, w in changed.items()]
    return " ".join(["rankfeed objective set", *options, '--reason "…"'])
