"""A lake writer as a process of its own, killed before or after its n-th step.

    python -m tests.integration.lake_writer_process HOME before|after|never N

A step is a call to the disk, or a commit to the log. It ends by itself once nothing is left to
consume. The product knows nothing of this: it is given another disk and another log.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import TypeVar

import polars as pl

from core.clock import SystemClock
from eventlog.log import Entry, EventLog, Offsets, Subscription
from eventlog.sqlite_log import SqliteEventLog
from pipelines.lake import LakeOptions, LakeWriter
from stores.lake_disk import LakeDisk
from stores.ports import OutboxRecord
from stores.sqlite_database import SqliteDatabase
from stores.sqlite_schema import FACTS, TELEMETRY

PARTITIONS = 4

T = TypeVar("T")


class Killer:
    """Counts steps and ends the process, without a goodbye, before or after one of them."""

    def __init__(self, when: str, at: int) -> None:
        self._when = when
        self._at = at
        self._steps = 0

    def step(self, call: Callable[[], T]) -> T:
        self.before()
        result = call()
        self.after()
        return result

    def before(self) -> None:
        self._steps += 1
        if self._when == "before" and self._steps == self._at:
            os.kill(os.getpid(), signal.SIGKILL)

    def after(self) -> None:
        if self._when == "after" and self._steps == self._at:
            os.kill(os.getpid(), signal.SIGKILL)


class KillingDisk(LakeDisk):
    def __init__(self, killer: Killer) -> None:
        self._killer = killer

    def lock(self, path: Path) -> int:
        return self._killer.step(lambda: LakeDisk.lock(self, path))

    def write_frame(self, path: Path, frame: pl.DataFrame) -> None:
        self._killer.step(lambda: LakeDisk.write_frame(self, path, frame))

    def write_bytes(self, path: Path, data: bytes) -> None:
        self._killer.step(lambda: LakeDisk.write_bytes(self, path, data))

    def rename(self, source: Path, target: Path) -> None:
        self._killer.step(lambda: LakeDisk.rename(self, source, target))

    def sync_dirs(self, directories: Iterable[Path]) -> None:
        self._killer.step(lambda: LakeDisk.sync_dirs(self, directories))

    def remove(self, path: Path) -> None:
        self._killer.step(lambda: LakeDisk.remove(self, path))


class KillingLog:
    """Tells `done` when there is nothing left, and counts a commit as a step."""

    def __init__(self, log: EventLog, killer: Killer, done: asyncio.Event) -> None:
        self._log = log
        self._killer = killer
        self._done = done

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        await self._log.append(records)

    async def subscribe(
        self, group: str, topics: Sequence[str], *, start: Offsets | None = None
    ) -> KillingSubscription:
        inner = await self._log.subscribe(group, topics, start=start)
        return KillingSubscription(inner, self._killer, self._done)

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[str, int]:
        return await self._log.lag(group, topics)


class KillingSubscription:
    def __init__(self, inner: Subscription, killer: Killer, done: asyncio.Event) -> None:
        self._inner = inner
        self._killer = killer
        self._done = done

    async def poll(self, *, max_entries: int, timeout_s: float) -> Sequence[Entry]:
        entries = await self._inner.poll(max_entries=max_entries, timeout_s=timeout_s)
        if not entries:
            self._done.set()
        return entries

    async def commit(self, offsets: Offsets) -> None:
        self._killer.before()
        await self._inner.commit(offsets)
        self._killer.after()

    async def positions(self) -> Offsets:
        return await self._inner.positions()

    async def close(self) -> None:
        await self._inner.close()


def open_log(home: Path) -> tuple[SqliteEventLog, Callable[[], None]]:
    """The log in `home`, and what closes it."""
    facts = SqliteDatabase.open(home / "facts.db", FACTS, "FULL")
    telemetry = SqliteDatabase.open(home / "telemetry.db", TELEMETRY, "NORMAL")

    def close() -> None:
        facts.close()
        telemetry.close()

    return SqliteEventLog(facts, telemetry, SystemClock(), PARTITIONS), close


async def main(home: Path, when: str, at: int) -> None:
    log, close = open_log(home)
    done = asyncio.Event()
    killer = Killer(when, at)
    ids = count(1)
    # Small batches, so that a run has more than one commit and kills fall into the second too.
    options = LakeOptions(flush_entries=20, flush_s=0.0, poll_entries=10, poll_s=0.05)
    writer = LakeWriter(
        KillingLog(log, killer, done),
        home / "lake",
        SystemClock(),
        lambda: next(ids),
        options,
        KillingDisk(killer),
    )
    await writer.run(done)
    close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
