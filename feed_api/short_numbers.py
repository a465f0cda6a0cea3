"""Counts as they are shown: 999, 1.2K, 34K, 1.5M."""

from __future__ import annotations

_STEPS = ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "K"))


def short(count: int) -> str:
    """Below 1,000 as it is; above, with one decimal while that says something. Never more than there are."""
    for size, letter in _STEPS:
        if count >= size:
            whole, tenths = count // size, count % size * 10 // size
            return f"{whole}.{tenths}{letter}" if tenths and whole < 100 else f"{whole}{letter}"
    return str(count)
