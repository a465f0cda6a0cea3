"""How long each stage of one request took, and what came out of it: for Server-Timing, metrics and logs."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol

from core.clock import Clock


class Observer(Protocol):
    """Who wants to know of each time that is measured, in seconds: a histogram, say."""

    def observe(self, amount: float) -> None: ...


class Timings:
    """Milliseconds by stage, in the order in which stages began; a repeated stage adds up."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began_s = clock.monotonic_s()
        self._ms: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def measure(self, stage: str, observer: Observer | None = None) -> _Measure:
        """Around the stage."""
        self._ms.setdefault(stage, 0.0)
        return _Measure(self._clock, self._ms, stage, observer)

    def count(self, stage: str, n: int) -> None:
        """So many items were left after the stage."""
        self._counts[stage] = n

    def so_far_s(self) -> float:
        """Seconds since the request came."""
        return self._clock.monotonic_s() - self._began_s

    def counts(self) -> list[tuple[str, int]]:
        return list(self._counts.items())

    def items(self) -> list[tuple[str, float]]:
        return list(self._ms.items())


class _Measure:
    """Not by contextlib: its generators cost as much as what many a stage does."""

    __slots__ = ("_began_s", "_clock", "_ms", "_observer", "_stage")

    def __init__(self, clock: Clock, ms: dict[str, float], stage: str, observer: Observer | None) -> None:
        self._clock = clock
        self._ms = ms
        self._stage = stage
        self._observer = observer
        self._began_s = 0.0

    def __enter__(self) -> None:
        self._began_s = self._clock.monotonic_s()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        took_s = self._clock.monotonic_s() - self._began_s
        self._ms[self._stage] += took_s * 1000
        if self._observer is not None:
            self._observer.observe(took_s)
