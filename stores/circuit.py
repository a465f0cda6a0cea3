"""A circuit around a neighbour that hangs: after a few timeouts in a row nobody waits for it.

One that is gone refuses at once and needs no circuit. One that hangs costs every request its whole
timeout, several times over, and then nobody is answered in time.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from prometheus_client import Counter

from core.clock import Clock

FAILURES = 5
"""Timeouts in a row after which it opens. A single slow answer is no reason."""
OPEN_S = 0.5
OPEN_SPREAD_S = 0.5
"""Added at random, so that the processes do not all try at the same moment."""

OPENED = Counter("rankfeed_circuit_opened_total", "Times that a circuit opened or stayed open", ["neighbour"])
REFUSED = Counter(
    "rankfeed_circuit_refused_total", "Calls not made because a circuit was open", ["neighbour"]
)
_logger = structlog.get_logger("circuit")


class Circuit:
    """Closed: every call is made. Open: none is. Then half open: one probe at a time, and its outcome
    decides. Who was admitted says how it went, by `attempt` or in as many words.
    """

    def __init__(self, neighbour: str, clock: Clock, spread: random.Random) -> None:
        self._neighbour = neighbour
        self._clock = clock
        self._random = spread
        self._failures = 0
        self._open_until_s: float | None = None
        self._probing = False

    def admits(self) -> bool:
        """Whether a call may be made now; the one that comes after the time is up is the probe."""
        if self._open_until_s is None:
            return True
        if not self._probing and self._clock.monotonic_s() >= self._open_until_s:
            self._probing = True
            return True
        REFUSED.labels(self._neighbour).inc()
        return False

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Around a call that was admitted. Only a TimeoutError tells that the neighbour hangs: it may
        refuse, or nobody may want to know any more.
        """
        try:
            yield
            self.answered()
        except TimeoutError:
            self.timed_out()
            raise
        finally:
            self.gave_up()

    def answered(self) -> None:
        if self._open_until_s is not None:
            _logger.info("circuit_closed", neighbour=self._neighbour)
        self._failures, self._open_until_s, self._probing = 0, None, False

    def timed_out(self) -> None:
        self._failures += 1
        # Calls that were under way when it opened come back late, and tell nothing new.
        if self._probing or (self._open_until_s is None and self._failures >= FAILURES):
            self._open_until_s = self._clock.monotonic_s() + OPEN_S + self._random.random() * OPEN_SPREAD_S
            self._probing = False
            OPENED.labels(self._neighbour).inc()
            _logger.warning("circuit_open", neighbour=self._neighbour, failures=self._failures)

    def gave_up(self) -> None:
        """Somebody else may probe; nothing to say where an answer or a timeout has said more."""
        self._probing = False
