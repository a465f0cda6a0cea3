"""A lake's disk with a trigger around every call; they are made in a thread."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from stores.lake_disk import LakeDisk
from tests.faults.fault import Trigger


class WatchedDisk(LakeDisk):
    """Its points are called `<name>.<method>`."""

    def __init__(self, trigger: Trigger, name: str = "disk") -> None:
        self._trigger = trigger
        self._name = name

    def lock(self, path: Path) -> int:
        return self._trigger.within(f"{self._name}.lock", lambda: LakeDisk.lock(self, path))

    def write_frame(self, path: Path, frame: pl.DataFrame) -> None:
        self._trigger.within(f"{self._name}.write_frame", lambda: LakeDisk.write_frame(self, path, frame))

    def write_bytes(self, path: Path, data: bytes) -> None:
        self._trigger.within(f"{self._name}.write_bytes", lambda: LakeDisk.write_bytes(self, path, data))

    def rename(self, source: Path, target: Path) -> None:
        self._trigger.within(f"{self._name}.rename", lambda: LakeDisk.rename(self, source, target))

    def sync_dirs(self, directories: Iterable[Path]) -> None:
        self._trigger.within(f"{self._name}.sync_dirs", lambda: LakeDisk.sync_dirs(self, directories))

    def remove(self, path: Path) -> None:
        self._trigger.within(f"{self._name}.remove", lambda: LakeDisk.remove(self, path))
