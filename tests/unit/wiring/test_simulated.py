"""A simulated past is a dataset that an import takes as it is."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from core.errors import ConfigurationError
from interchange.dataset import open_dataset
from interchange.inspection import inspect_rows
from simulation.past import Past
from simulation.world import make_world
from wiring.simulated import write_past

UNTIL = 1_790_000_000_000
DAY_MS = 86_400_000


def written(directory: Path, seed: int = 3) -> Path:
    write_past(Past(make_world(200, seed), UNTIL - 3 * DAY_MS, UNTIL), directory, lambda line: None)
    return directory


def test_not_one_row_is_refused(tmp_path: Path) -> None:
    dataset = open_dataset(written(tmp_path / "past"))
    inspection = inspect_rows(dataset, now_ms=UNTIL)
    assert inspection.refusals == []
    assert not any(inspection.duplicates.values())
    assert inspection.references_dropped == 0
    tables = inspection.tables
    assert dataset.meta.complete_until.timestamp() * 1000 == UNTIL
    assert set(tables["engagements"]["type"]) == {"click", "dwell", "like", "hide"}
    assert tables["impressions"]["position"].min() == 0
    assert tables["tweets"]["reply_to"].count() > 0 < tables["tweets"]["retweet_of"].count()


def test_what_was_done_was_done_to_what_was_seen_and_afterwards(tmp_path: Path) -> None:
    tables = open_dataset(written(tmp_path / "past")).tables
    keys = ["viewer", "tweet", "request"]
    joined = tables["engagements"].join(tables["impressions"], keys, "left", suffix="_seen")
    assert joined.filter(pl.col("at_seen").is_null() | (pl.col("at") <= pl.col("at_seen"))).is_empty()


def test_nothing_tells_the_truth(tmp_path: Path) -> None:
    tables = open_dataset(written(tmp_path / "past")).tables
    assert not {"quality", "bait", "topic", "utility"} & {
        name for one in tables.values() for name in one.columns
    }


def test_a_seed_writes_the_same_tables_again(tmp_path: Path) -> None:
    digests = [
        open_dataset(written(tmp_path / name, seed)).digest for name, seed in (("a", 3), ("b", 3), ("c", 4))
    ]
    assert digests[0] == digests[1] != digests[2]


def test_a_directory_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="holds something already"):
        written(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["mine.txt"]
