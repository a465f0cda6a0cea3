"""Months as numbers, which keep partitions small: 202511 is November 2025, UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from core.ids import id_time_ms

_DAY_MS = 86_400_000


def month_of(snowflake: int) -> int:
    """The month in which an id was minted."""
    return _month_of_day(id_time_ms(snowflake) // _DAY_MS)


def month_at(ms: int) -> int:
    """The month of a moment, in milliseconds since 1970."""
    return _month_of_day(ms // _DAY_MS)


def month_before(month: int) -> int:
    return month - 1 if month % 100 > 1 else month - 89


@lru_cache(maxsize=4096)
def _month_of_day(day: int) -> int:
    at = datetime.fromtimestamp(day * _DAY_MS / 1000, UTC)
    return at.year * 100 + at.month
