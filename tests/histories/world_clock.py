"""Time in a history: it passes from step to step, and machines disagree about it."""

from __future__ import annotations

from core.clock import Clock
from tests.fakes import FakeClock

BEGIN_MS = 1_750_000_000_000
STEP_MS = 10


class WorldClock(FakeClock):
    def __init__(self) -> None:
        super().__init__(BEGIN_MS)

    def restart(self) -> None:
        """A history that begins at the same moment has the same ids whenever it is told again."""
        self._now_ms = BEGIN_MS


class SkewedClock:
    """The wall clock of a machine that is behind or ahead by `skew_ms`."""

    def __init__(self, clock: Clock, skew_ms: int) -> None:
        self._clock = clock
        self._skew_ms = skew_ms

    def now_ms(self) -> int:
        return self._clock.now_ms() + self._skew_ms

    def monotonic_s(self) -> float:
        return self._clock.monotonic_s()
