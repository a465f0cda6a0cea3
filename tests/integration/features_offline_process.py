"""Features streams as processes, without Redis, one after the other, each ended at a step.

    python -m tests.integration.features_offline_process HOME MARKS [FAULT | lose | none] …

A step is a call to the log, the stream's file, its queue or the offline source's disk. One with no fault
(`none`) ends by itself once it has counted what the log held at its start; `lose` removes the file.
Each is forked off one process that has imported everything and done nothing; how each ended, it says on
stderr. The product knows nothing of this: it is given another file and another disk.
"""

from __future__ import annotations

import asyncio
import os
import sys
from itertools import count
from pathlib import Path
from typing import Any, cast

from core.clock import SystemClock
from eventlog.log import EventLog
from eventlog.merged import MergedLog
from eventlog.schema import EDGES, VIEWS
from eventlog.sqlite_log import SqliteEventLog
from eventlog.worker import Worker, WorkerOptions
from pipelines.features_file import FeaturesFile
from pipelines.features_offline import FeaturesOffline, OfflineOptions
from pipelines.features_stream import GROUP, FeaturesHandler
from pipelines.offline_queue import OfflineQueue
from stores.lake_disk import LakeDisk
from stores.sqlite import open_facts, open_telemetry
from tests.faults.fault import Fault, Trigger, arm, mark_of
from tests.faults.watched import Watched, watched_log
from tests.faults.watched_disk import WatchedDisk
from tests.integration.lake_writer_process import EndingLog

ROLE = "features"
TOPICS = (VIEWS, EDGES)
PARTITIONS = 4
BATCH = 7
"""Small, so that a run has many; the same ones in every run, as the log is read at once."""
AT_ONCE = OfflineOptions(flush_rows=60, flush_s=0.0, retry_s=0.01)


async def stream(home: Path, trigger: Trigger | None) -> None:
    done, drained, ids, clock = asyncio.Event(), asyncio.Event(), count(1), SystemClock()
    facts, telemetry = open_facts(home / "facts.db"), open_telemetry(home / "telemetry.db")
    opened = SqliteEventLog(facts, telemetry, clock, PARTITIONS)
    file: Any = FeaturesFile.open(home / "features.db", clock)
    source = opened if trigger is None else watched_log(opened, "log", trigger)
    log = cast(EventLog, EndingLog(MergedLog(source, file.reached), await opened.ends(TOPICS), done))
    queue, disk = file.offline, LakeDisk()
    if trigger is not None:
        queue, disk = Watched(queue, "queue", trigger), WatchedDisk(trigger, "offline")
        file = Watched(file, "features_file", trigger)
    offline = FeaturesOffline(cast(OfflineQueue, queue), home / "lake", clock, disk, AT_ONCE)
    assert await offline.open(done)
    handler = FeaturesHandler(file, lambda rows: offline.wake(), clock)
    options = WorkerOptions(group=GROUP, topics=TOPICS, batch=BATCH)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(offline.run(drained))
        await Worker(log, handler, clock, lambda: next(ids), options, own_offsets=file).run(done)
        drained.set()
        offline.wake()
    for each in (file, facts, telemetry):
        each.close()


def forked(home: Path, trigger: Trigger | None) -> int:
    """The exit code of a stream; negative where a signal ended it."""
    pid = os.fork()
    if pid == 0:
        asyncio.run(stream(home, trigger))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main(home: Path, marks: Path, *faults: str) -> None:
    arm(marks)
    for number, fault in enumerate(faults):
        if fault == "lose":
            for path in home.glob("features.db*"):
                path.unlink()
            continue
        trigger = None if fault == "none" else Trigger(Fault.parse(fault), mark_of(marks, number))
        sys.stderr.write(f"{fault} {forked(home, trigger)}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
