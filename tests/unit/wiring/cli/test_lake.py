"""`rankfeed lake stats` and `compact`, on a lake that nobody else writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from eventlog.schema import VIEWS, Viewed, record_of
from features.offline_rows import DIRECTORY, OFFLINE
from stores.lake import LakeReader
from stores.lake_disk import LakeDisk
from stores.lake_store import Addition, LakeStore
from stores.lake_tables import HOUR_MS, SCHEMAS
from tests.unit.wiring.cli.log_home import LogHome
from wiring.home import Home

FROM_MS = 1_700_000_000_000 // HOUR_MS * HOUR_MS


@pytest.fixture
def home(tmp_path: Path) -> LogHome:
    """Two hours of views, of which the first has three files and a row twice; and two files of rows."""
    home = LogHome(tmp_path)
    lake = Home(tmp_path).lake
    store = LakeStore.open(lake, LakeDisk())
    for id, hour in ((1, 0), (2, 0), (2, 0), (3, 1)):
        row = (FROM_MS + hour * HOUR_MS + id, id, 1, "ab", 10, 20, "seen", 0, 0, "")
        frame = pl.DataFrame([row], schema=SCHEMAS["views"], orient="row")
        store.commit(Addition({"views": frame}, {VIEWS: {0: id}}, {"views": FROM_MS + 9}), FROM_MS)
    store.close()
    store = LakeStore.open(lake / DIRECTORY, LakeDisk(), OFFLINE)
    for _ in range(2):
        frame = pl.DataFrame([{"ts_ms": FROM_MS, "everything": 0}], schema=OFFLINE["g"])
        store.commit(Addition({"g": frame}, {}, {"g": FROM_MS}), FROM_MS)
    store.close()
    return home


def told(home: LogHome) -> dict[str, dict[str, Any]]:
    result = home.run("lake", "stats", "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    return {row.pop("table"): row for row in map(json.loads, result.stdout.splitlines())}


def test_each_table_is_told(home: LogHome) -> None:
    home.append([record_of(Viewed(1, b"\xab", 10, 20, "seen"), id=9, ts_ms=FROM_MS, key=1)])
    tables = told(home)
    size = sum(path.stat().st_size for path in Home(home.root).lake.glob("views/*/*/*"))
    assert tables["views"] == {
        "rows": 4,
        "files": 4,
        "bytes": size,
        "first_ms": FROM_MS + 1,
        "last_ms": FROM_MS + HOUR_MS + 3,
        "complete_until_ms": FROM_MS + 9,
        "dropped": 0,
        "retired": 0,
        "lag": 1,
    }
    assert (tables["features/g"]["rows"], tables["features/g"]["lag"]) == (2, None)
    header, views, rows = home.run("lake", "stats").stdout.splitlines()
    assert header.split()[:6] == ["table", "rows", "files", "bytes", "first", "last"]
    assert rows.split()[0] == "features/g"
    assert "2023-11-14T22h  2023-11-14T23h  2023-11-14T22:00:00.009Z" in views


def test_by_hand_every_hour_becomes_one_file(home: LogHome) -> None:
    result = home.run("lake", "compact")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "lake: 3 files of 1 hours, 3 rows" in result.stdout
    tables = told(home)
    assert (tables["views"]["files"], tables["views"]["rows"]) == (2, 3)
    assert (tables["views"]["dropped"], tables["views"]["retired"]) == (1, 3)
    assert (tables["features/g"]["files"], tables["features/g"]["rows"]) == (1, 2)
    assert home.run("lake", "compact").stdout.count("files of") == 0


def test_a_lake_that_is_being_written_is_left_to_its_writer(home: LogHome) -> None:
    store = LakeStore.open(Home(home.root).lake, LakeDisk())
    result = home.run("lake", "compact")
    store.close()
    assert result.exit_code == 1
    assert "A stack that runs compacts by itself" in result.stderr


@pytest.mark.parametrize("command", ["stats", "compact"])
def test_what_is_no_lake_is_said(tmp_path: Path, home: LogHome, command: str) -> None:
    result = LogHome(tmp_path / "other").run("lake", command)
    assert result.exit_code == 1
    assert "there is no lake" in result.stderr
    lake = Home(home.root).lake
    number = LakeReader(lake).snapshot
    (lake / "manifest" / f"{number + 1:012d}.json").write_bytes(b'{"lake": 2}')
    result = home.run("lake", command)
    assert result.exit_code == 1
    assert "Install the rankfeed that wrote it" in result.stderr


def test_a_lake_without_its_log_is_told_all_the_same(home: LogHome) -> None:
    Home(home.root).facts.unlink()
    result = home.run("lake", "stats", "--json")
    assert result.exit_code == 0
    assert "the lag is not known: there is no log in" in result.stderr
    assert {json.loads(line)["lag"] for line in result.stdout.splitlines()} == {None}
