"""The lake writer, killed before and after each of its steps: every event is in the lake once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import polars as pl
import pytest

from eventlog.envelope import decode_envelope
from eventlog.log import OperatedLog
from eventlog.reading import read
from eventlog.schema import TWEETS, VIEWS, TweetCreated, Viewed, record_of
from stores.lake import LakeReader, newest_manifest
from stores.ports import OutboxRecord
from tests.contracts.log_engines import (
    LOG_ENGINES,
    KafkaLogEngine,
    LogEngine,
    SqliteLogEngine,
    kafka_address,
    log_engine_at,
)
from tests.faults.fault import Fault, arm, environment_of, mark_of
from tests.faults.points import COMPACTION_STEPS, LAKE_STEPS, TIMES, Points, faults_of
from tests.integration.lake_writer_process import ROLE

REPOSITORY = Path(__file__).parents[2]
NOW_MS = 1_700_000_000_000
EVENTS_A_RUN = 30


class Writer:
    """Runs of a lake writer, each until its end: its own, or that of a fault."""

    def __init__(self, home: Path, engine: LogEngine, *options: str) -> None:
        self._options = options
        self._home = home
        self._engine = engine
        self._runs = count()

    def run(self, *faults: Fault) -> int:
        """The exit code; negative where a signal ended it. A fault that was not hit fails the test."""
        marks = self._home / f"run-{next(self._runs)}"
        marks.mkdir()
        arm(marks)
        process = "tests.integration.lake_writer_process"
        arguments = (str(self._home), self._engine.name, self._engine.address, *self._options)
        done = subprocess.run(
            [sys.executable, "-m", process, *arguments],
            env={**os.environ, **environment_of(faults, marks)},
            cwd=REPOSITORY,
            timeout=120,
            check=False,
        )
        assert all(mark_of(marks, number).exists() for number in range(len(faults))), faults
        return done.returncode


@pytest.fixture(params=LOG_ENGINES)
def log_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LogEngine]:
    """An empty log, that of one machine and a real Kafka."""
    address = str(tmp_path)
    if request.param == KafkaLogEngine.name:
        address = kafka_address(request.getfixturevalue("kafka_server"))
    engine = log_engine_at(request.param, address)
    yield engine
    engine.remove()


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


async def ids_below(log: OperatedLog, offsets: dict[str, dict[int, int]]) -> list[int]:
    """What the log holds below a manifest's offsets."""
    return sorted(
        [
            decode_envelope(entry.value).id
            async for entry in read(log, [VIEWS, TWEETS])
            if entry.offset < offsets.get(entry.topic, {}).get(entry.partition, 0)
        ]
    )


@pytest.mark.parametrize(
    "log_engine",
    # The log only says where the events come from: `test_kills` has both, at the steps that tell most.
    [pytest.param(SqliteLogEngine.name, marks=pytest.mark.torture), KafkaLogEngine.name],
    indirect=True,
)
async def test_no_kill_loses_or_doubles_an_event(tmp_path: Path, log_engine: LogEngine) -> None:
    await _kill_at_every_step(Writer(tmp_path, log_engine), tmp_path, log_engine, LAKE_STEPS)


async def test_no_kill_while_hours_are_compacted_does(tmp_path: Path) -> None:
    engine = log_engine_at("sqlite", str(tmp_path))
    writer = Writer(tmp_path, engine, "compacting")
    await _kill_at_every_step(writer, tmp_path, engine, COMPACTION_STEPS)
    files = LakeReader(tmp_path / "lake").manifest.files
    assert {table: len(named) for table, named in files.items()} == {"views": 1, "tweets": 1}


@pytest.mark.torture
@pytest.mark.parametrize("time", range(1, TIMES + 1))
async def test_no_kill_of_many_does(tmp_path: Path, log_engine: LogEngine, time: int) -> None:
    await _kill_at_every_step(Writer(tmp_path, log_engine), tmp_path, log_engine, LAKE_STEPS)


async def _kill_at_every_step(writer: Writer, tmp_path: Path, log_engine: LogEngine, steps: Points) -> None:
    first = count(1, EVENTS_A_RUN)
    appended = 0
    async with log_engine.open() as log:
        for fault in faults_of(ROLE, steps):
            await log.append(events(next(first)))
            appended += EVENTS_A_RUN
            assert writer.run(fault) == -signal.SIGKILL, fault
            manifest = newest_manifest(tmp_path / "lake")
            if manifest is not None:
                # The files and the place in the log are of one moment, whenever that was.
                assert lake_ids(tmp_path) == await ids_below(log, manifest.offsets), fault
        assert writer.run() == 0
        assert lake_ids(tmp_path) == list(range(1, appended + 1))
        assert await log.lag("lake", [VIEWS, TWEETS]) == {VIEWS: 0, TWEETS: 0}
    _check_files(tmp_path / "lake")


def _check_files(lake: Path) -> None:
    """No file lies there that no manifest names."""
    manifest = LakeReader(lake).manifest
    named = {file.path for files in manifest.files.values() for file in files}
    named |= {old.path for old in manifest.retired}
    assert {path.relative_to(lake).as_posix() for path in lake.glob("*/dt=*/hour=*/*")} == named
