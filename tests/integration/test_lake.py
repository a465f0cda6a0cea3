"""The lake writer, killed before and after each of its steps: every event is in the lake once."""

from __future__ import annotations

import signal
import subprocess
import sys
from itertools import count
from pathlib import Path

import polars as pl

from eventlog.schema import TweetCreated, Viewed, record_of
from stores.lake import LakeReader
from stores.ports import OutboxRecord
from tests.integration.lake_writer_process import open_log

REPOSITORY = Path(__file__).parents[2]
NOW_MS = 1_700_000_000_000
EVENTS_A_RUN = 30
# One commit of both tables: lock, two files, directories, manifest, rename, directories, the log.
STEPS = 8


def run(home: Path, when: str, at: int) -> int:
    """The exit code of a writer; negative where a signal ended it."""
    command = [sys.executable, "-m", "tests.integration.lake_writer_process", str(home), when, str(at)]
    return subprocess.run(command, cwd=REPOSITORY, timeout=60, check=False).returncode


def events(first: int) -> list[OutboxRecord]:
    """Views and tweets of one hour, keyed over several partitions; ids rise from `first`."""
    records: list[OutboxRecord] = []
    for id in range(first, first + EVENTS_A_RUN):
        event = TweetCreated(id, 6, "hello", NOW_MS) if id % 3 == 0 else Viewed(id % 7, b"\x01", 5, 6, "seen")
        records.append(record_of(event, id=id, ts_ms=NOW_MS + id, key=id % 7))
    return records


def lake_ids(home: Path) -> list[int]:
    reader = LakeReader(home / "lake")
    found = [reader.scan(table).select("event_id").collect() for table in ("views", "tweets")]
    return sorted(pl.concat(found)["event_id"].to_list())


async def test_no_kill_loses_or_doubles_an_event(tmp_path: Path) -> None:
    log, close = open_log(tmp_path)
    first = count(1, EVENTS_A_RUN)
    appended = 0
    for at in range(1, STEPS + 1):
        for when in ("before", "after"):
            await log.append(events(next(first)))
            appended += EVENTS_A_RUN
            # A run in which the point was not hit would end with 0.
            assert run(tmp_path, when, at) == -signal.SIGKILL, f"{when} step {at}"
            if (tmp_path / "lake" / "manifest").exists() and list(
                (tmp_path / "lake").glob("manifest/*.json")
            ):
                ids = lake_ids(tmp_path)
                assert len(ids) == len(set(ids)), f"doubled after a kill {when} step {at}"
    assert run(tmp_path, "never", 0) == 0
    assert lake_ids(tmp_path) == list(range(1, appended + 1))
    named = {file.path for files in LakeReader(tmp_path / "lake").manifest.files.values() for file in files}
    named |= {old.path for old in LakeReader(tmp_path / "lake").manifest.retired}
    on_disk = (tmp_path / "lake").glob("*/dt=*/hour=*/*")
    assert {path.relative_to(tmp_path / "lake").as_posix() for path in on_disk} == named
    assert await log.lag("lake", ["views.v1", "tweets.v1"]) == {"views.v1": 0, "tweets.v1": 0}
    close()
