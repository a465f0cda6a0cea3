"""A stack that is made up, as the console looks at it: each part of it may be away."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from console.metrics import Sample, Samples
from console.vitals import PAGES, Sources, Vitals
from core.errors import Unavailable
from ranking.processes import ProcessReport
from tests.fakes import FakeClock

HOST = "here"


@dataclass
class StackSeen:
    """`measured` are samples by address; others do not answer. Each takes `slow_ms`."""

    clock: FakeClock = field(default_factory=FakeClock)
    told: list[ProcessReport] = field(default_factory=list)
    measured: dict[str, dict[Sample, float]] = field(default_factory=dict)
    workers: dict[str, str] = field(default_factory=dict)
    behind: dict[str, dict[str, int]] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)
    looks: int = 0
    slow_ms: int = 0

    def __post_init__(self) -> None:
        self.vitals = Vitals(
            Sources(self._reports, lambda: self.workers, self._lag, self._read, HOST), self.clock
        )

    def serves(self, pid: int, *, host: str = HOST) -> str:
        """Adds an API process, and returns where its metrics are."""
        url = f"http://{pid}/metrics"
        self.told.append(
            ProcessReport(1, "api", pid, "home@1", None, None, 0, host, objective="x@1", metrics=url)
        )
        self.measured[url] = {}
        return url

    def page(self, url: str, rung: str, reason: str = "", *, asked: str = "ranked", times: int = 1) -> None:
        """Counts pages that a process served."""
        labels = {"asked": asked, "served": asked, "rung": rung, "reason": reason}
        self.add(url, PAGES, times, **labels)

    def add(self, url: str, name: str, value: float, **labels: str) -> None:
        sample = Sample(name, tuple(sorted(labels.items())))
        self.measured[url][sample] = self.measured[url].get(sample, 0.0) + value

    async def _reports(self) -> list[ProcessReport]:
        self.looks += 1
        self._check("redis")
        return list(self.told)

    async def _lag(self) -> Mapping[str, Mapping[str, int]]:
        self._check("log")
        return self.behind

    async def _read(self, url: str) -> Samples:
        if self.slow_ms:
            # Others may ask meanwhile.
            await asyncio.sleep(0)
            self.clock.advance(self.slow_ms)
        if url not in self.measured:
            raise Unavailable(f"{url} does not answer")
        return dict(self.measured[url])

    def _check(self, what: str) -> None:
        if what in self.away:
            raise Unavailable(f"{what} is away")
