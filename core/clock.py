"""Time as a collaborator: passed in, never read from a module."""

from __future__ import annotations

import time
from typing import Protocol

_DAY_MS = 86_400_000


class Clock(Protocol):
    """A wall clock for what is written down, a monotonic one for what is waited for."""

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch, UTC. May step back."""
        ...

    def monotonic_s(self) -> float:
        """Seconds since an arbitrary moment. Never steps back."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        return time.monotonic()


def utc_day(at_ms: int) -> int:
    """The day of a moment, counted from 1970-01-01, UTC."""
    return at_ms // _DAY_MS
