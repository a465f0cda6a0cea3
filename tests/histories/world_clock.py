"""Time in a history: it passes from step to step, and machines disagree about it."""

from __future__ import annotations

from core.clock import Clock
from tests.fakes import FakeClock

BEGIN_MS = 1_750_000_000_000
STEP_MS = 10


class WorldClock(FakeClock):
    """Every history begins at the same moment, so that its ids are the same whenever it is told again."""

    def restart(self) -> None:
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
