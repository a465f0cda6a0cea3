"""The controller of a ranked feed's four rungs, each for when the one above it cannot be had.

    full           all candidates are scored
    fewer          as many of the newest as there is time for; the rest follows in time order
    cached         the order that the viewer was given last, below what is new since
    chronological  the order of time

The quality factor moves between the first two, the breaker takes both away. Whether there is an order of
before is each viewer's own matter. One a process; it asks nothing outside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import structlog
from prometheus_client import Counter, Gauge

from core.clock import Clock
from ranking.breaker import STATES, Breaker, BreakerOptions
from ranking.quality import Quality, QualityOptions
from ranking.silent_failures import Finding
from ranking.stages import StageFailed
from stores.slates import Slate

RungName = Literal["full", "fewer", "cached", "chronological"]
RUNGS: tuple[RungName, ...] = ("full", "fewer", "cached", "chronological")

BREAKER = "breaker"
WITHOUT_MODEL = frozenset({"no_model", "model_refused"})
"""Reasons of a process that has no model, and of no order that one made before."""
_NOBODY_ASKED = WITHOUT_MODEL | {"objective_misfit"}
"""What fails without features and model being at fault: to ask them less often helps nobody."""

RUNG = Gauge("rankfeed_ladder_rung", "Where the next ranked feed begins: 0 full, 1 fewer, 2 cached")
QUALITY = Gauge("rankfeed_ladder_quality", "Share of the candidates that there is time for")
BREAKER_STATE = Gauge(
    "rankfeed_breaker_state", "Of the breaker around ranking: 0 closed, 1 half open, 2 open"
)
TRANSITIONS = Counter(
    "rankfeed_ladder_transitions_total", "Changes of the rung that ranked feeds begin on", ["to", "reason"]
)
_logger = structlog.get_logger("ladder")


class Rung(NamedTuple):
    """Where a ranked feed begins, how many candidates that takes, and why it is not the highest."""

    name: RungName
    candidates: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LadderOptions:
    """At most `candidates` are ranked, and at the least `fewest`, if there are so many."""

    candidates: int
    fewest: int = 20
    breaker: BreakerOptions = field(default_factory=BreakerOptions)
    quality: QualityOptions = field(default_factory=QualityOptions)


class Trial:
    """A scoring that is under way; `found` is what its answer says about features and model."""

    __slots__ = ("found",)

    def __init__(self) -> None:
        self.found = Finding("well")


class Ladder:
    def __init__(self, clock: Clock, options: LadderOptions) -> None:
        self._options = options
        self._breaker = Breaker(clock, options.breaker)
        self._quality = Quality(clock, options.quality)
        self._stands: RungName = "full"
        # Asked at every scrape: where nobody asks for a feed it gets well all the same.
        RUNG.set_function(lambda: RUNGS.index(self.now().name))
        QUALITY.set_function(lambda: self._quality.factor)
        BREAKER_STATE.set_function(lambda: STATES.index(self._breaker.state))

    def now(self) -> Rung:
        """The rung for the next first page."""
        rung = self._rung()
        if rung.name != self._stands:
            _logger.warning("ladder_changed", was=self._stands, now=rung.name, reason=rung.reason or None)
            TRANSITIONS.labels(rung.name, rung.reason).inc()
            self._stands = rung.name
        return rung

    def turned_away(self) -> None:
        """Somebody found no place to be ranked."""
        self._quality.turned_away()

    @contextmanager
    def trial(self) -> Iterator[Trial]:
        """Around one scoring. Raises StageFailed, with what the breaker opened for, where it is open."""
        attempt = self._breaker.admit()
        if attempt is None:
            raise StageFailed(BREAKER, self._breaker.refuses() or BREAKER)
        trial = Trial()
        found: Finding | None = None
        try:
            yield trial
            found = trial.found
        except StageFailed as failure:
            if failure.reason not in _NOBODY_ASKED:
                found = Finding("failed", failure.reason)
            raise
        finally:
            if found is None:
                attempt.dropped()
            else:
                self._quality.scored(attempt.ended(*found))

    def _rung(self) -> Rung:
        refused = self._breaker.refuses()
        if refused is not None:
            return Rung("cached", 0, refused)
        most = self._options.candidates
        candidates = min(most, max(self._options.fewest, round(most * self._quality.factor)))
        return Rung("full", most) if candidates == most else Rung("fewer", candidates, self._quality.reason)


def rung_of(slate: Slate) -> RungName:
    """On which rung a slate was made: what it lacks says it.

    One without a reason is full, one with scores has fewer candidates, one with a model's name and no
    scores has the order of another slate, and where there is neither it is that of time.
    """
    if not slate.reason:
        return "full"
    if slate.scores:
        return "fewer"
    return "cached" if slate.model else "chronological"
