"""The stream's way into the offline source, ended before and after each of its steps: every row once."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from typing import cast

import polars as pl
import pytest

from core.ids import compose_id
from eventlog.schema import LikeSet, Viewed, record_of
from eventlog.sqlite_log import SqliteEventLog
from features.offline_rows import DIRECTORY, OFFLINE
from features.packed_row import decode_row
from features.schema import VIEWS as FEATURE_VIEWS
from features.schema import ViewName
from pipelines.features_file import FeaturesFile
from pipelines.rows_table import FIRST
from stores.lake import LakeReader
from stores.ports import OutboxRecord
from stores.sqlite import open_facts, open_telemetry
from tests.fakes import FakeClock
from tests.faults.fault import Fault
from tests.faults.points import OFFLINE_STEPS, RECOVERY_STEPS, TIMES, faults_of
from tests.integration.features_offline_process import PARTITIONS, ROLE

REPOSITORY = Path(__file__).parents[2]
PROCESS = "tests.integration.features_offline_process"
NOW_MS = 1_700_000_000_000
EVENTS = 400


def events() -> list[OutboxRecord]:
    """Views and likes over three hours, in which rows change again and again; some come late.

    Those that come late do so by more than the merge puts in order.
    """
    records: list[OutboxRecord] = []
    for i in range(EVENTS):
        at_ms = NOW_MS + i * 27_000
        id = compose_id(at_ms, 1, 1, i % 4096)
        viewer, tweet = 1 + i % 5, 100 + i % 7
        author = tweet % 3 + 10
        ts_ms = at_ms - 3_600_000 if i % 11 == 0 else at_ms
        if i % 6 == 0:
            like = LikeSet(viewer, tweet, True, author)
            records.append(record_of(like, id=id, ts_ms=ts_ms, key=tweet))
            continue
        view = Viewed(viewer, i.to_bytes(4, "big"), tweet, author, "click" if i % 4 == 0 else "seen")
        records.append(record_of(view, id=id, ts_ms=ts_ms, key=viewer))
    return records


async def make_log(home: Path) -> None:
    facts, telemetry = open_facts(home / "facts.db"), open_telemetry(home / "telemetry.db")
    # All of it is published after it happened.
    clock = FakeClock(NOW_MS + EVENTS * 27_000)
    await SqliteEventLog(facts, telemetry, clock, PARTITIONS).append(events())
    facts.close()
    telemetry.close()


def run(home: Path, *what: Fault | str) -> None:
    """Streams with these faults, one after the other, and then one without; each fault is hit.

    Where it says "lose", the stream's file is lost.
    """
    marks = home / "marks"
    marks.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", PROCESS, str(home), str(marks), *map(str, what), "none"],
        cwd=REPOSITORY,
        timeout=300,
        check=True,
        capture_output=True,
        text=True,
    )
    ended = [f"{fault} {-signal.SIGKILL}" for fault in what if isinstance(fault, Fault)]
    assert done.stderr.splitlines() == [*ended, "none 0"]


def rows_of(home: Path, view: str) -> pl.DataFrame:
    order = ["created", *FEATURE_VIEWS[view].keys]  # type: ignore[index]
    frame = LakeReader(home / "lake" / DIRECTORY, OFFLINE).scan(view).collect()
    return frame.drop("chunk").sort(order)


async def check_complete(home: Path) -> None:
    """The newest row of every entity is the one that the stream's file has; every one before it is there."""
    file = FeaturesFile.open(home / "features.db", FakeClock())
    kept = (await file.page(FIRST, 10_000)).rows
    file.close()
    frames = {name: rows_of(home, name) for name in FEATURE_VIEWS}
    for row in kept:
        name, *entity = row.key.decode().removeprefix("f:").split(":")
        view = FEATURE_VIEWS[cast(ViewName, name)]
        of_entity = frames[view.name]
        for key, id in zip(view.keys, entity, strict=True):
            of_entity = of_entity.filter(pl.col(key) == int(id.strip("{}")))
        expected = decode_row(row.packed, view)
        newest = of_entity.row(-1, named=True)
        assert (newest["seq"], newest["ts_ms"]) == (expected.seq, expected.event_ts_s * 1_000)
        assert of_entity["seq"].is_sorted()
        assert of_entity["seq"].n_unique() == len(of_entity)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a stream has counted the log without any fault."""
    home = tmp_path_factory.mktemp("undisturbed")
    asyncio.run(make_log(home))
    run(home)
    asyncio.run(check_complete(home))
    return home


async def test_no_kill_loses_or_doubles_a_row(tmp_path: Path, undisturbed: Path) -> None:
    await _kill_at_every_step(tmp_path, undisturbed)


@pytest.mark.torture
@pytest.mark.parametrize("time", range(1, TIMES + 1))
async def test_no_kill_of_many_does(tmp_path: Path, undisturbed: Path, time: int) -> None:
    await _kill_at_every_step(tmp_path, undisturbed)


async def _kill_at_every_step(home: Path, undisturbed: Path) -> None:
    await make_log(home)
    run(home, *faults_of(ROLE, OFFLINE_STEPS))
    _check_the_same(home, undisturbed)
    _check_files(home / "lake" / DIRECTORY)


async def test_a_file_that_is_lost_comes_back_and_nothing_is_there_twice(
    tmp_path: Path, undisturbed: Path
) -> None:
    await make_log(tmp_path)
    midway = [Fault(ROLE, "offline.rename", "after", 2), Fault(ROLE, "queue.forget", "before", 3)]
    run(tmp_path, midway[0], "lose", midway[1], "lose", *faults_of(ROLE, RECOVERY_STEPS))
    await check_complete(tmp_path)
    _check_the_same(tmp_path, undisturbed)


def _check_the_same(home: Path, undisturbed: Path) -> None:
    for view in FEATURE_VIEWS:
        assert rows_of(home, view).equals(rows_of(undisturbed, view)), view


def _check_files(lake: Path) -> None:
    """No file lies there that no manifest names."""
    manifest = LakeReader(lake, OFFLINE).manifest
    named = {file.path for files in manifest.files.values() for file in files}
    named |= {old.path for old in manifest.retired}
    assert {path.relative_to(lake).as_posix() for path in lake.glob("*/dt=*/hour=*/*")} == named
