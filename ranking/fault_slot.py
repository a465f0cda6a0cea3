"""The fault of scoring in one process, and the threads that have it.

Only where the settings allow it: a process that does not allow it knows nothing of this.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

import structlog
from msgspec.structs import replace

from core.clock import Clock
from core.errors import Corrupt, Unavailable
from ranking.faults import LONGEST_S, Fault, FaultName, FaultStore
from ranking.processes import ProcessReport
from ranking.scorers import MODEL

P = ParamSpec("P")
T = TypeVar("T")

LATE_S = 1.5 * MODEL.deadline_ms / 1000
"""How much longer scoring takes while it is slow: it cannot be in time."""

_logger = structlog.get_logger("chaos")


class FaultSlot:
    """Follows the claim; a fault ends when that is gone, and at its own end, seen or unseen."""

    def __init__(self, store: FaultStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._claim: Fault | None = None
        self._until_s = 0.0

    def current(self) -> FaultName | None:
        """For every scoring: where there is no claim it is one look."""
        if self._claim is None or self._clock.monotonic_s() >= self._until_s:
            return None
        return self._claim.name

    async def poll(self) -> None:
        """Where Redis is away, what stands goes on to its own end."""
        try:
            found = await self._store.standing()
        except Unavailable:
            return
        # The same claim is not reckoned anew: a wall clock that is set back prolongs nothing.
        if found == self._claim:
            return
        self._claim = found
        if found is None:
            _logger.warning("fault_over")
            return
        left_s = min(LONGEST_S, (found.until_ms - self._clock.now_ms()) / 1000)
        self._until_s = self._clock.monotonic_s() + left_s
        _logger.warning("fault_stands", fault=found.name, for_s=left_s)

    def told(self, report: ProcessReport) -> ProcessReport:
        return replace(report, fault=self.current())


class FaultyThreads(ThreadPoolExecutor):
    """Threads for scoring, that fail or are late for as long as a fault of scoring stands."""

    def __init__(
        self,
        number: int,
        name: str,
        fault: Callable[[], FaultName | None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(number, thread_name_prefix=name)
        self._fault = fault
        self._sleep = sleep

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        match self._fault():
            case "model":
                return super().submit(_fails)
            case "slow":
                return super().submit(self._late(fn), *args, **kwargs)
            case _:
                return super().submit(fn, *args, **kwargs)

    def _late(self, fn: Callable[P, T]) -> Callable[P, T]:
        def late(*args: P.args, **kwargs: P.kwargs) -> T:
            self._sleep(LATE_S)
            return fn(*args, **kwargs)

        return late


def _fails() -> Any:
    raise Corrupt("this model fails because an operator wants it: `rankfeed chaos model`")
