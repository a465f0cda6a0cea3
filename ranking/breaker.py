"""A circuit breaker around features and model: against what fails, what is slow, and what only seems to work.

Closed: everything is let through, and what came of the last attempts is kept. Where too large a share of
them went wrong it opens, for a while, and nothing is let through. Then it is half open: a few attempts
are let through, and either all go well, or it opens again. Per process, and nothing outside it is asked.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections import deque
from dataclasses import dataclass
from typing import Literal, NamedTuple

import structlog
from prometheus_client import Counter

from core.clock import Clock

Verdict = Literal["well", "unknown", "failed", "slow", "silent"]
"""How an attempt went. `silent` came to something that says nothing, `unknown` did not let that be seen."""
State = Literal["closed", "half_open", "open"]
STATES: tuple[State, ...] = ("closed", "half_open", "open")

OPENED = Counter("rankfeed_breaker_opened_total", "Times that ranking was given up for a while", ["reason"])
_logger = structlog.get_logger("breaker")


@dataclass(frozen=True, slots=True)
class BreakerOptions:
    """`slow_ms` is what an attempt may take; `open_s` how long nothing is tried.

    Judged are the last `outcomes`, none older than `window_s`, once there are `least`: it opens where a
    `share` of them failed or were slow, or where a `share` of those that let it be seen failed silently.
    `probes` attempts have to go well in a row before it closes.
    """

    slow_ms: float = 100.0
    open_s: float = 2.0
    share: float = 0.5
    least: int = 10
    outcomes: int = 50
    window_s: float = 30.0
    probes: int = 3


class _Outcome(NamedTuple):
    at_s: float
    verdict: Verdict
    reason: str


class Attempt:
    """One that was let through. Whoever makes it ends it, once, with what came of it, or drops it."""

    __slots__ = ("_breaker", "began_s", "probes", "turn")

    def __init__(self, breaker: Breaker, turn: int, began_s: float, *, probes: bool) -> None:
        self._breaker = breaker
        self.turn = turn
        self.began_s = began_s
        self.probes = probes

    def ended(self, verdict: Verdict, reason: str = "") -> float:
        """Milliseconds that it took; `reason` says what went wrong, short and stable."""
        return self._breaker.note(self, verdict, reason)

    def dropped(self) -> None:
        """Nobody wants to know any more, or it never came to what the breaker is around."""
        self._breaker.drop(self)


class Breaker:
    def __init__(self, clock: Clock, options: BreakerOptions) -> None:
        self._clock = clock
        self._options = options
        self._outcomes: deque[_Outcome] = deque(maxlen=options.outcomes)
        self._reason: str | None = None
        self._open_until_s = 0.0
        # What was under way when it opened or closed comes back late and tells nothing new.
        self._turn = 0
        self._probing = 0
        self._passed = 0

    @property
    def state(self) -> State:
        if self._reason is None:
            return "closed"
        return "open" if self._clock.monotonic_s() < self._open_until_s else "half_open"

    def refuses(self) -> str | None:
        """What it opened for, where an attempt would not be let through now."""
        if self._reason is None or (
            self._clock.monotonic_s() >= self._open_until_s
            and self._probing + self._passed < self._options.probes
        ):
            return None
        return self._reason

    def admit(self) -> Attempt | None:
        """None where it is not let through: `refuses` says what for."""
        if self.refuses() is not None:
            return None
        probes = self._reason is not None
        self._probing += probes
        return Attempt(self, self._turn, self._clock.monotonic_s(), probes=probes)

    def drop(self, attempt: Attempt) -> None:
        """See `Attempt.dropped`."""
        if attempt.turn == self._turn:
            self._probing -= attempt.probes

    def note(self, attempt: Attempt, verdict: Verdict, reason: str) -> float:
        """See `Attempt.ended`."""
        now_s = self._clock.monotonic_s()
        took_ms = (now_s - attempt.began_s) * 1000
        if attempt.turn != self._turn:
            return took_ms
        if verdict in ("well", "unknown") and took_ms > self._options.slow_ms:
            verdict, reason = "slow", "ranking_slow"
        bad = verdict not in ("well", "unknown")
        if attempt.probes:
            self._probing -= 1
            self._passed += not bad
            if bad:
                self._open(reason, now_s)
            elif self._passed == self._options.probes:
                self._close()
            return took_ms
        self._outcomes.append(_Outcome(now_s, verdict, reason))
        if bad:
            self._judge(now_s)
        return took_ms

    def _judge(self, now_s: float) -> None:
        since_s, least, share = now_s - self._options.window_s, self._options.least, self._options.share
        recent = [one for one in self._outcomes if one.at_s >= since_s]
        loud = [one for one in recent if one.verdict in ("failed", "slow")]
        silent = [one for one in recent if one.verdict == "silent"]
        seen = len(silent) + sum(one.verdict == "well" for one in recent)
        for bad, of in ((loud, len(recent)), (silent, seen)):
            if of >= least and len(bad) >= share * of:
                ((reason, _),) = Tally(one.reason for one in bad).most_common(1)
                self._open(reason, now_s)
                return

    def _open(self, reason: str, now_s: float) -> None:
        self._reason, self._open_until_s = reason, now_s + self._options.open_s
        self._begin_anew()
        OPENED.labels(reason).inc()
        _logger.warning("breaker_open", reason=reason, for_s=self._options.open_s)

    def _close(self) -> None:
        _logger.info("breaker_closed", reason=self._reason)
        self._reason = None
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._outcomes.clear()
        self._turn += 1
        self._probing = self._passed = 0
