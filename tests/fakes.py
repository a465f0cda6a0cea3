"""Hand-written stand-ins that every floor's tests share."""

from __future__ import annotations


class FakeClock:
    """A clock that moves only when it is told to; the wall clock may be stepped apart from the other."""

    def __init__(self, now_ms: int = 1_700_000_000_000, monotonic_s: float = 1_000.0) -> None:
        self._now_ms = now_ms
        self._monotonic_s = monotonic_s

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic_s(self) -> float:
        return self._monotonic_s

    def advance(self, ms: int) -> None:
        """Lets `ms` milliseconds pass on both clocks."""
        self._now_ms += ms
        self._monotonic_s += ms / 1000.0

    def step_wall(self, ms: int) -> None:
        """Sets the wall clock alone forward or, where negative, back, as NTP does."""
        self._now_ms += ms
