"""The models of one process: the champion that serves, and beside it what may take its place."""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog
from msgspec.structs import replace
from prometheus_client import Counter, Gauge

from core.clock import Clock
from core.errors import Corrupt
from ranking.admission import open_model
from ranking.model import RankingModel
from ranking.processes import ProcessReport
from ranking.registered import MODELS, Entry, Registered, decode_registered
from ranking.stages import StageFailed
from stores.ports import ControlStore

RETRY_S = 5.0
"""How soon what was refused is looked at again: its files may have been mended."""

LOADED = Gauge("rankfeed_model_loaded", "1 for the model that serves in this process", ["model"])
WARM = Gauge("rankfeed_models_warm", "Models that are loaded in this process")
REFUSED = Counter("rankfeed_model_refused_total", "Bundles that were to be loaded and could not be")
_logger = structlog.get_logger("models")


class ModelSlot:
    """Follows the registered models; a promotion finds its model loaded, and is the swap of a pointer.

    Loading happens beside the event loop. A champion that cannot be loaded leaves the one before it
    serving; a process that has none then, having just started, has no model and says why.
    """

    def __init__(self, control: ControlStore, models: Path, clock: Clock) -> None:
        self._control = control
        self._models = models
        self._clock = clock
        self._version = 0
        self._registered = Registered()
        self._loaded: dict[Entry, RankingModel] = {}
        self._refusals: dict[Entry, str] = {}
        self._retry_at_s: dict[Entry, float] = {}
        self._serving: tuple[Entry, RankingModel] | None = None
        self._unreadable: str | None = None

    def current(self) -> RankingModel | None:
        """What serves; None before anything was promoted. Raises StageFailed where it was refused."""
        if self._serving is not None:
            return self._serving[1]
        if self._refused() is not None:
            raise StageFailed("model", "model_refused")
        return None

    async def poll(self) -> None:
        """Takes over what changed, and loads at most one model beside the champion. Raises Unavailable."""
        found = await self._control.get(MODELS)
        if found is not None and found.version != self._version:
            self._version = found.version
            self._take(found.value)
        # A promoted one that is there serves at once, whatever is still to be loaded.
        self._swap()
        champion = self._registered.champion
        if champion is not None and self._is_due(champion):
            await self._load(champion)
            self._swap()
        else:
            for entry in self._registered.wanted():
                if self._is_due(entry):
                    await self._load(entry)
                    break

    def told(self, report: ProcessReport) -> ProcessReport:
        serving = self._serving
        return replace(
            report,
            model=None if serving is None else serving[0].label,
            sha256=None if serving is None else serving[0].sha256,
            refused=self._refused(),
            registry=self._version,
            serves=None if serving is None else serving[0].mark,
            loaded=[entry.mark for entry in self._loaded],
            refusals={entry.mark: reason for entry, reason in self._refusals.items()},
        )

    def _take(self, raw: bytes) -> None:
        try:
            self._registered = decode_registered(raw)
        except Corrupt as exc:
            # What is loaded serves on: whoever wrote this runs other code.
            self._unreadable = str(exc)
            _logger.error("models_unreadable", error=str(exc))
            return
        self._unreadable = None
        wanted = self._registered.wanted()
        for known in (self._loaded, self._refusals, self._retry_at_s):
            for entry in known.keys() - wanted:
                del known[entry]
        WARM.set(len(self._loaded))

    def _swap(self) -> None:
        champion = self._registered.champion
        model = None if champion is None else self._loaded.get(champion)
        if champion is None or model is None or self._serving == (champion, model):
            return
        if self._serving is not None:
            LOADED.labels(self._serving[0].label).set(0)
        self._serving = champion, model
        LOADED.labels(champion.label).set(1)
        _logger.info("model_serves", model=champion.label)

    def _is_due(self, entry: Entry) -> bool:
        return entry not in self._loaded and self._clock.monotonic_s() >= self._retry_at_s.get(entry, 0.0)

    async def _load(self, entry: Entry) -> None:
        try:
            model = await asyncio.to_thread(open_model, self._models, entry)
        except Corrupt as exc:
            self._retry_at_s[entry] = self._clock.monotonic_s() + RETRY_S
            if self._refusals.get(entry) != str(exc):
                self._refusals[entry] = str(exc)
                REFUSED.inc()
                _logger.error("model_refused", model=entry.label, error=str(exc))
            return
        self._loaded[entry] = model
        self._refusals.pop(entry, None)
        WARM.set(len(self._loaded))
        _logger.info("model_loaded", model=entry.label)

    def _refused(self) -> str | None:
        """Why it is not the champion that serves, where that is so."""
        champion = self._registered.champion
        if self._unreadable is not None:
            return self._unreadable
        reason = None if champion is None else self._refusals.get(champion)
        return None if champion is None or reason is None else f"{champion.label}: {reason}"
