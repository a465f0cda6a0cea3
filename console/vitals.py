"""How a stack fares: its processes looked at again and again, and what they did in the last minutes.

Whoever shows it asks for `fresh` vitals, as often as they like: it is looked at once a second at most. Where
nobody asks it is looked at every few seconds, so that who opens the page after something happened sees it.
What is kept is bounded by time, whoever asks.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from console.metrics import Sample, Samples, increases
from core.clock import Clock
from core.errors import RankfeedError, Unavailable
from core.waiting import happens
from ranking.ladder import RUNGS
from ranking.processes import ProcessReport, Reports

T = TypeVar("T")

PAGES = "rankfeed_feed_pages_total"
FEED_SECONDS = "rankfeed_feed_seconds"
ROWS_READ = "rankfeed_feature_rows_read_total"
ROWS_MISSING = "rankfeed_feature_rows_missing_total"
ROW_AGE = "rankfeed_feature_row_age_seconds"
RUNG = "rankfeed_ladder_rung"
QUALITY = "rankfeed_ladder_quality"
BREAKER = "rankfeed_breaker_state"
OPENED = "rankfeed_breaker_opened_total"
NEWEST_EVENT = "rankfeed_features_newest_event_seconds"
MEMORY = "process_resident_memory_bytes"
COUNTED = frozenset({PAGES, f"{FEED_SECONDS}_bucket", ROWS_READ, ROWS_MISSING, f"{ROW_AGE}_bucket", OPENED})
"""Of these the increase in the last minutes is kept; of all others what they are now."""
NAMES = (*sorted(COUNTED), RUNG, QUALITY, BREAKER, NEWEST_EVENT, MEMORY)

FRESH_S = 0.9
QUIET_S = 5.0
BIN_S = 10
BINS = 36
"""Six minutes: the sixth so that five are whole."""
SILENT_S = 2.0
REMEMBERED_S = 60.0
"""So long a process that is gone is shown, that somebody may see it."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where it comes from; each may raise Unavailable, and what the others say is shown all the same.

    `metrics_urls` are by role, of those that do not report themselves; `host` is this machine.
    """

    reports: Reports
    metrics_urls: Callable[[], Mapping[str, str]]
    lag: Callable[[], Awaitable[Mapping[str, Mapping[str, int]]]]
    read: Callable[[str], Awaitable[Samples]]
    host: str


@dataclass(frozen=True, slots=True)
class Process:
    """One that was looked at: `away` says why nothing could be seen of it, "" where it could."""

    role: str
    where: str
    away: str = ""
    samples: Samples = field(default_factory=dict)
    report: ProcessReport | None = None

    def value(self, name: str) -> float | None:
        return self.samples.get(Sample(name, ()))

    @property
    def rung(self) -> str | None:
        """On which its next ranked feed begins; None where it serves none, or does not say."""
        told = self.value(RUNG)
        if self.role != "api" or told is None:
            return None
        return RUNGS[min(len(RUNGS) - 1, max(0, round(told)))]


@dataclass(frozen=True, slots=True)
class Bin:
    """What was counted, by all processes together, in ten seconds that began at `began` · BIN_S."""

    began: int
    counted: dict[Sample, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """One look. `bins` are oldest first, up to now, none left out; `lag` by group and topic is None where the
    log could not be asked. `failures` are what could not be asked, and why."""

    at_ms: int
    processes: list[Process]
    bins: list[Bin]
    lag: Mapping[str, Mapping[str, int]] | None
    failures: dict[str, str]

    def last(self, seconds: int) -> dict[Sample, float]:
        """What was counted in the last seconds, and up to ten more."""
        total: dict[Sample, float] = {}
        for one in self.bins[-(seconds // BIN_S + 1) :]:
            for sample, value in one.counted.items():
                total[sample] = total.get(sample, 0.0) + value
        return total


class Vitals:
    def __init__(self, sources: Sources, clock: Clock) -> None:
        self._sources = sources
        self._clock = clock
        self._looking = asyncio.Lock()
        self._looked_s: float | None = None
        self._before: dict[str, Samples] = {}
        self._reported: dict[str, tuple[ProcessReport, float]] = {}
        self._bins: deque[Bin] = deque(maxlen=BINS)
        self._seen = Seen(0, [], [], None, {})

    async def run(self, stop: asyncio.Event) -> None:
        """Looks every few seconds until `stop`."""
        while True:
            await self.fresh()
            if await happens(stop, QUIET_S):
                return

    async def fresh(self) -> Seen:
        """What was seen within the last second. Never raises: what is away is told in it."""
        async with self._looking:
            if self._looked_s is None or self._clock.monotonic_s() - self._looked_s >= FRESH_S:
                self._seen = await self._look()
                # When it ended: a look may take longer than it is fresh, and others wait for this one.
                self._looked_s = self._clock.monotonic_s()
            return self._seen

    async def _look(self) -> Seen:
        failures: dict[str, str] = {}
        reports, lag = await asyncio.gather(
            _asked("processes", self._sources.reports, failures),
            _asked("lag", self._sources.lag, failures),
        )
        self._remember(reports)
        urls = {role: url for role, url in self._sources.metrics_urls().items() if role != "api"}
        processes = await asyncio.gather(
            *(self._api(report, told_s, asked=reports is not None) for report, told_s in self._known()),
            *(self._read(role, self._sources.host, url) for role, url in urls.items()),
        )
        here = {*urls.values(), *(one.metrics for one, _ in self._known())}
        for url in self._before.keys() - here:
            del self._before[url]
        return Seen(self._clock.now_ms(), list(processes), self._filled(), lag, failures)

    def _remember(self, reports: list[ProcessReport] | None) -> None:
        """Those that report, and for a while those that did."""
        now_s = self._clock.monotonic_s()
        for report in reports or []:
            self._reported[f"{report.host} {report.pid}"] = report, now_s
        if reports is not None:
            for who, (_, told_s) in list(self._reported.items()):
                if now_s - told_s > REMEMBERED_S:
                    del self._reported[who]

    def _known(self) -> list[tuple[ProcessReport, float]]:
        return [self._reported[who] for who in sorted(self._reported)]

    async def _api(self, report: ProcessReport, told_s: float, *, asked: bool) -> Process:
        where = f"{report.host} {report.pid}"
        silent_s = self._clock.monotonic_s() - told_s
        if asked and silent_s > SILENT_S:
            return Process("api", where, "it says nothing any more", report=report)
        if not report.metrics or report.host != self._sources.host:
            return Process("api", where, report=report)
        return await self._read("api", where, report.metrics, report)

    async def _read(self, role: str, where: str, url: str, report: ProcessReport | None = None) -> Process:
        try:
            samples = await self._sources.read(url)
        except Unavailable as exc:
            return Process(role, where, str(exc), report=report)
        counted = {sample: value for sample, value in samples.items() if sample.name in COUNTED}
        # What it counted before it was first seen happened at no known time.
        before = self._before.get(url, counted)
        self._before[url] = counted
        now = self._bin().counted
        for sample, added in increases(counted, before).items():
            now[sample] = now.get(sample, 0.0) + added
        return Process(role, where, "", samples, report)

    def _bin(self) -> Bin:
        began = int(self._clock.monotonic_s() // BIN_S)
        if not self._bins or self._bins[-1].began != began:
            self._bins.append(Bin(began))
        return self._bins[-1]

    def _filled(self) -> list[Bin]:
        """With empty ones where nothing was looked at."""
        last = self._bin().began
        there = {one.began: one for one in self._bins}
        return [there.get(began) or Bin(began) for began in range(last - BINS + 1, last + 1)]


async def _asked(what: str, ask: Callable[[], Awaitable[T]], failures: dict[str, str]) -> T | None:
    try:
        async with asyncio.timeout(1.0):
            return await ask()
    except TimeoutError:
        failures[what] = "no answer within a second"
    except RankfeedError as exc:
        failures[what] = str(exc)
    return None
