"""How long each stage of one request took: for Server-Timing, metrics and logs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from core.clock import Clock


class Timings:
    """Milliseconds by stage, in the order in which stages began; a repeated stage adds up."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ms: dict[str, float] = {}

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        began_s = self._clock.monotonic_s()
        self._ms.setdefault(stage, 0.0)
        try:
            yield
        finally:
            self._ms[stage] += (self._clock.monotonic_s() - began_s) * 1000

    def items(self) -> list[tuple[str, float]]:
        return list(self._ms.items())
