"""How many candidates there is time for: a factor that falls where scoring is slow or has to wait, and
comes back step by step.

As TCP looks for its rate: down by a part, up by a step, one decision a period.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.clock import Clock

BUSY, SLOW = "ranking_busy", "ranking_slow"


@dataclass(frozen=True, slots=True)
class QualityOptions:
    """`target_ms` is what scoring may take, on average over a period, before there is less of it.

    From all to `least` it takes 1.8 s, and back 4.5 s.
    """

    target_ms: float = 50.0
    least: float = 0.1
    period_s: float = 0.25
    down: float = 0.7
    up: float = 0.05
    turned_away: float = 0.1
    """The share of those who found no place in time that is too much."""
    few: int = 3
    """Outcomes of a period that say nothing: there is no load then."""


class Quality:
    def __init__(self, clock: Clock, options: QualityOptions) -> None:
        self._clock = clock
        self._options = options
        self._factor = 1.0
        self._since_s = clock.monotonic_s()
        self._took_ms: list[float] = []
        self._turned_away = 0
        self.reason = SLOW
        """Why the factor fell last."""

    @property
    def factor(self) -> float:
        """Of the candidates, `least` to 1."""
        self._settle()
        return self._factor

    def scored(self, took_ms: float) -> None:
        self._settle()
        self._took_ms.append(took_ms)

    def turned_away(self) -> None:
        """Somebody found no place in time."""
        self._settle()
        self._turned_away += 1

    def _settle(self) -> None:
        options = self._options
        periods = int((self._clock.monotonic_s() - self._since_s) / options.period_s)
        if not periods:
            return
        self._since_s += periods * options.period_s
        took_ms, turned_away = self._took_ms, self._turned_away
        self._took_ms, self._turned_away = [], 0
        told = len(took_ms) + turned_away
        busy = turned_away > options.turned_away * told
        slow = bool(took_ms) and sum(took_ms) > options.target_ms * len(took_ms)
        if told >= options.few and (busy or slow):
            self.reason = BUSY if busy else SLOW
            self._factor = max(options.least, self._factor * options.down)
            # Nothing was told in those that followed.
            periods -= 1
        self._factor = min(1.0, self._factor + periods * options.up)
