"""A profile as shares of named parts."""

from __future__ import annotations

import cProfile
import pstats
from collections import defaultdict
from collections.abc import Iterable, Mapping


def shares(profile: cProfile.Profile, parts: Mapping[str, Iterable[str]]) -> str:
    """Each part's own time, most first; a function is of the first part with a mark in "<file> <name>"."""
    seconds: dict[str, float] = defaultdict(float)
    for (file, _, function), (_, _, own_s, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]  # not in typeshed
        line = f"{file} {function}"
        part = next((name for name, marks in parts.items() if any(mark in line for mark in marks)), "other")
        seconds[part] += own_s
    whole_s = sum(seconds.values())
    ranked = sorted(seconds.items(), key=lambda one: -one[1])
    return ", ".join(f"{own_s / whole_s:.0%} {name}" for name, own_s in ranked)
