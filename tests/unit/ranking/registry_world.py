"""A registry and the processes that go by it, without Redis: whoever asks for reports lets each poll once."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from core.clock import SystemClock
from core.errors import Unavailable
from ranking.model_slot import ModelSlot
from ranking.processes import ProcessReport
from ranking.registry import Registry
from stores.ports import ControlStore, Versioned


class FakeControl:
    """Documents by compare-and-set; `away` is a store that does not answer."""

    def __init__(self) -> None:
        self.kept: dict[str, Versioned] = {}
        self.away = False

    async def get(self, key: str) -> Versioned | None:
        if self.away:
            raise Unavailable("the store is away")
        return self.kept.get(key)

    async def compare_and_set(self, key: str, value: bytes, *, expected: int) -> bool:
        there = self.kept.get(key)
        if (0 if there is None else there.version) != expected:
            return False
        self.kept[key] = Versioned(value, expected + 1)
        return True


class RegistryWorld:
    """Three processes on one directory of models."""

    def __init__(self, models: Path) -> None:
        self.models = models
        self.control = FakeControl()
        self.clock = SystemClock()
        self.slots = [self.slot() for _ in range(3)]
        self.registry = self.registry_of("ann")
        self.silent = False

    def slot(self, models: Path | None = None) -> ModelSlot:
        """A process; its disk may be another one."""
        return ModelSlot(cast(ControlStore, self.control), models or self.models, self.clock)

    def registry_of(self, by: str) -> Registry:
        return Registry(cast(ControlStore, self.control), self.models, self.clock, self.reports, by=by)

    async def reports(self) -> list[ProcessReport]:
        if self.silent:
            raise Unavailable("Redis is away")
        found = []
        for pid, slot in enumerate(self.slots):
            await slot.poll()
            found.append(report_of(slot, pid))
        return found

    def serving(self) -> list[str | None]:
        return [None if (model := slot.current()) is None else model.label for slot in self.slots]


def report_of(slot: ModelSlot, pid: int = 9) -> ProcessReport:
    return slot.told(ProcessReport(1, "api", pid, None, None, None, 0))
