"""A lake writer as a process of its own, which may end itself at a step.

    python -m tests.integration.lake_writer_process HOME LOG ADDRESS [compacting]

A step is a call to the disk or to the log; which one, the environment of `tests.faults` says. The process
ends by itself once it has consumed what the log held at its start. The product knows nothing of this:
it is given another disk and another log.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, cast

from core.clock import SystemClock
from eventlog.log import Entry, EventLog, LaneLog, Looked, Offsets
from pipelines.lake import TOPICS, LakeOptions, LakeWriter
from stores.lake_merging import AT_ONCE
from tests.contracts.log_engines import log_engine_at
from tests.faults.fault import Trigger
from tests.faults.watched import watched_log
from tests.faults.watched_disk import WatchedDisk

ROLE = "lake"
# Small batches, so that a run has more than one commit and kills fall into the second too.
OPTIONS = LakeOptions(flush_entries=20, flush_s=0.0, poll_entries=10, poll_s=0.05)
# What it consumes is of hours that are long over: after each commit they become one file again.
COMPACTING = replace(OPTIONS, compact_every_s=0.0, compaction=AT_ONCE)


class EndingLog:
    """Sets `done` once its subscription has given everything below `ends`."""

    def __init__(self, log: EventLog, ends: Offsets, done: asyncio.Event) -> None:
        self._log = log
        self._ends = ends
        self._done = done

    async def append(self, records: Sequence[Any]) -> None:
        await self._log.append(records)

    async def subscribe(self, *arguments: Any, **options: Any) -> EndingSubscription:
        return EndingSubscription(await self._log.subscribe(*arguments, **options), self._ends, self._done)


class EndingSubscription:
    def __init__(self, inner: Any, ends: Offsets, done: asyncio.Event) -> None:
        self._inner = inner
        self._ends = ends
        self._done = done
        self.commit = inner.commit
        self.close = inner.close

    async def look(self, **options: Any) -> Looked:
        looked: Looked = await self._inner.look(**options)
        await self._note()
        return looked

    async def poll(self, **options: Any) -> Sequence[Entry]:
        entries: Sequence[Entry] = await self._inner.poll(**options)
        await self._note()
        return entries

    async def _note(self) -> None:
        positions = await self._inner.positions()
        if all(positions.get(tp, -1) >= end for tp, end in self._ends.items()):
            self._done.set()


async def main(home: Path, name: str, address: str, options: LakeOptions) -> None:
    done, ids, clock = asyncio.Event(), count(1), SystemClock()
    trigger = Trigger.of(os.environ, ROLE)
    async with log_engine_at(name, address).open() as opened:
        log = cast(LaneLog, EndingLog(opened, await opened.ends(TOPICS), done))
        disk = None
        if trigger is not None:
            log, disk = watched_log(log, "log", trigger), WatchedDisk(trigger)
        await LakeWriter(log, home / "lake", clock, lambda: next(ids), options, disk).run(done)


if __name__ == "__main__":
    chosen = COMPACTING if sys.argv[4:] == ["compacting"] else OPTIONS
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], chosen))
