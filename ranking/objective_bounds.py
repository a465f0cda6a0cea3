"""What may stand in an objective: every field, its limits, and what to do where one is crossed."""

from __future__ import annotations

import math
import re
from typing import NoReturn

from core.errors import ConfigurationError
from ranking.candidate import POPULAR_SOURCE, TIMELINE_SOURCE
from ranking.objective import Objective

SOURCES = (TIMELINE_SOURCE, POPULAR_SOURCE)
"""Those whose candidates reach the model."""

MAX_BOUND = 100.0
HALF_LIFE_S = (60.0, 365 * 86_400.0)
FACTOR = (0.01, 100.0)
DECAY = (0.0, 1.0)
FLOOR = (0.01, 1.0)
"""Above 0: a negative score is divided by it."""
SEEN_FACTOR = (0.01, 1.0)
MAX_REASON, MAX_AUTHOR = 500, 100
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)


def check_bounds(objective: Objective) -> None:
    """Raises ConfigurationError naming the first field that is out of its bounds."""
    if _NAME.fullmatch(objective.name) is None:
        _refuse("name", "must be 1 to 32 of a-z, 0-9, '-' and '_', a letter first")
    if not 1 <= len(objective.author.strip()) <= MAX_AUTHOR:
        _refuse("author", f"must have 1 to {MAX_AUTHOR} characters")
    if not 1 <= len(objective.reason.strip()) <= MAX_REASON:
        _refuse("reason", f"must have 1 to {MAX_REASON} characters: say why, for whoever reads the history")
    _check_weights(objective)
    if objective.freshness is not None:
        _within("freshness.half_life_s", objective.freshness.half_life_s, HALF_LIFE_S, "seconds")
    if objective.diversity is not None:
        _within("diversity.decay", objective.diversity.decay, DECAY)
        _within("diversity.floor", objective.diversity.floor, FLOOR)
    if objective.seen is not None:
        _within("seen.factor", objective.seen.factor, SEEN_FACTOR)
    for source, factor in objective.source_factor.items():
        if source not in SOURCES:
            _refuse(f"source_factor.{source}", f"is no source; there are {', '.join(SOURCES)}")
        _within(f"source_factor.{source}", factor, FACTOR)
    # Whoever sets these would believe that they apply.
    if objective.exploration is not None and objective.exploration.share != 0:
        _refuse(
            "exploration.share", "must be 0: exploration is not built yet, and no request would be explored"
        )
    if objective.guardrails:
        _refuse("guardrails", "must be empty: they are not built yet, and nothing would watch them")


def _check_weights(objective: Objective) -> None:
    for head, weight in objective.weights.items():
        field = f"weights.{head}"
        for name, bound in (("min", weight.min), ("max", weight.max)):
            _within(f"{field}.{name}", bound, (-MAX_BOUND, MAX_BOUND))
        if weight.min > weight.max:
            _refuse(field, f"has min {weight.min:g} above max {weight.max:g}")
        _within(f"{field}.w", weight.w, (weight.min, weight.max))
    if not any(weight.w for weight in objective.weights.values()):
        _refuse("weights", "must have at least one that is not 0: all candidates would be worth the same")


def _within(field: str, value: float, bounds: tuple[float, float], unit: str = "") -> None:
    low, high = bounds
    if not (math.isfinite(value) and low <= value <= high):
        _refuse(field, f"is {value:g} and must lie in {low:g} to {high:g} {unit}".rstrip())


def _refuse(field: str, what: str) -> NoReturn:
    raise ConfigurationError(f"objective: {field} {what}")
