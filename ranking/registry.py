"""Which model serves: aliases in the control store, changed by compare-and-set, followed by all.

Bundles lie under `<models>/<name>/<version>`; the alias `champion` of a feed names one of them and
its digest. Every process polls the alias, loads and warms the bundle beside the one that serves, swaps,
and reports what it runs (`ranking.processes`), so that a promotion can wait for all of them.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog
from msgspec.structs import replace
from prometheus_client import Counter, Gauge

from core.clock import Clock
from core.errors import ConfigurationError, Corrupt
from ranking.bundle import load_bundle
from ranking.model import RankingModel
from ranking.processes import ProcessReport, serving_processes
from stores.ports import ControlStore
from stores.redis_client import RedisClient

CHAMPION = "alias/home/champion"

LOADED = Gauge("rankfeed_model_loaded", "1 for the model that serves in this process", ["model"])
REFUSED = Counter("rankfeed_model_refused_total", "Bundles that were promoted and could not be loaded")
_logger = structlog.get_logger("registry")


class Alias(msgspec.Struct, frozen=True):
    """What `champion` stands for."""

    name: str
    version: str
    sha256: str
    promoted_ms: int

    @property
    def label(self) -> str:
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class Promotion:
    """How many serving processes took the model over, how many there are, and in what time."""

    alias: Alias
    acknowledged: int
    processes: int
    elapsed_ms: float
    refusals: tuple[str, ...]


class ModelSlot:
    """The model of one process, following the alias."""

    def __init__(self, control: ControlStore, models: Path) -> None:
        self._control = control
        self._models = models
        self._version = 0
        self._model: RankingModel | None = None
        self._refused: str | None = None

    def current(self) -> RankingModel | None:
        return self._model

    async def poll(self) -> None:
        """A bundle that cannot be loaded leaves the old one serving. Raises Unavailable."""
        found = await self._control.get(CHAMPION)
        if found is not None and found.version != self._version:
            await self._load(msgspec.json.decode(found.value, type=Alias))
            self._version = found.version

    def told(self, report: ProcessReport) -> ProcessReport:
        if self._model is None:
            return replace(report, refused=self._refused)
        manifest = self._model.manifest
        return replace(report, model=self._model.label, sha256=manifest.sha256, refused=self._refused)

    async def _load(self, alias: Alias) -> None:
        try:
            model = await asyncio.to_thread(self._open, alias)
        except Corrupt as exc:
            self._refused = f"{alias.label}: {exc}"
            REFUSED.inc()
            _logger.error("model_refused", model=alias.label, error=str(exc))
            return
        if self._model is not None:
            LOADED.labels(self._model.label).set(0)
        self._model, self._refused = model, None
        LOADED.labels(model.label).set(1)
        _logger.info("model_loaded", model=model.label)

    def _open(self, alias: Alias) -> RankingModel:
        bundle = load_bundle(self._models / alias.name / alias.version)
        if bundle.manifest.sha256 != alias.sha256:
            raise Corrupt("the bundle on disk is not the one that was promoted")
        return RankingModel(bundle)


class Registry:
    """Lists and promotes; used by the command line."""

    def __init__(self, control: ControlStore, models: Path, clock: Clock) -> None:
        self._control = control
        self._models = models
        self._clock = clock

    def bundles(self) -> list[tuple[str, str]]:
        """(name, version) of every bundle on disk, oldest version first."""
        return sorted(
            (path.parent.parent.name, path.parent.name) for path in self._models.glob("*/*/manifest.json")
        )

    async def champion(self) -> Alias | None:
        found = await self._control.get(CHAMPION)
        return None if found is None else msgspec.json.decode(found.value, type=Alias)

    async def promote(self, name: str, version: str) -> Alias:
        """Points the alias at a bundle that loads and runs here; raises ConfigurationError if it does not."""
        try:
            bundle = load_bundle(self._models / name / version)
            RankingModel(bundle)
        except Corrupt as exc:
            known = (
                ", ".join(f"{n}@{v}" for n, v in self.bundles()) or "none; train one with `rankfeed train`"
            )
            raise ConfigurationError(
                f"{name}@{version} cannot be promoted: {exc}. Bundles here: {known}."
            ) from exc
        alias = Alias(name, version, bundle.manifest.sha256, self._clock.now_ms())
        found = await self._control.get(CHAMPION)
        expected = 0 if found is None else found.version
        if not await self._control.compare_and_set(CHAMPION, msgspec.json.encode(alias), expected=expected):
            raise ConfigurationError(
                "another promotion came first: look at `rankfeed models list` and try again"
            )
        return alias

    async def await_processes(self, redis: RedisClient, alias: Alias, *, timeout_s: float) -> Promotion:
        """Waits until every serving process runs the alias, or refused it, or time is up."""
        began_s = self._clock.monotonic_s()
        while True:
            reports = await serving_processes(redis)
            running = sum(report.sha256 == alias.sha256 for report in reports)
            refusals = tuple(
                report.refused
                for report in reports
                if report.refused is not None and report.refused.startswith(f"{alias.label}:")
            )
            elapsed_s = self._clock.monotonic_s() - began_s
            if (reports and running + len(refusals) >= len(reports)) or elapsed_s >= timeout_s:
                return Promotion(alias, running, len(reports), elapsed_s * 1000, refusals)
            await asyncio.sleep(0.02)
