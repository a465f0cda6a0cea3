"""Numbers as people read them."""

from __future__ import annotations

import math

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def age(seconds: float | None) -> str:
    """In the largest unit of which there are two; "-" where it is not known."""
    if seconds is None or math.isnan(seconds):
        return "-"
    for unit_s, name in _UNITS:
        if seconds >= 2 * unit_s:
            return f"{seconds / unit_s:.0f}\u00a0{name}"
    return f"{max(0.0, seconds):.0f}\u00a0s"


def share(probability: float) -> str:
    """A probability in percent; small ones with as many digits as they need."""
    return f"{100 * probability:.3g} %"


def plain(value: float) -> str:
    """Four digits, or all of a large one, and a minus that is one."""
    words = f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    return words.replace("-", "\N{MINUS SIGN}")


def times(value: float) -> str:
    return f"\N{MULTIPLICATION SIGN} {plain(value)}"
