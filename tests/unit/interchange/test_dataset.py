from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from core.errors import ConfigurationError
from interchange.dataset import open_dataset
from interchange.schema import META_FILE
from tests.unit.interchange.datasets import rows_of_a_small_world, table, write_dataset


def test_a_dataset_is_read_whole_with_row_numbers(tmp_path: Path) -> None:
    dataset = open_dataset(write_dataset(tmp_path, rows_of_a_small_world()))
    assert {name: frame.height for name, frame in dataset.tables.items()} == {
        "users": 4,
        "follows": 1,
        "tweets": 3,
        "impressions": 3,
        "engagements": 6,
    }
    assert dataset.tables["tweets"].get_column("row").to_list() == [1, 2, 3]


def test_parts_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    rows = rows_of_a_small_world()
    write_dataset(tmp_path, rows)
    (tmp_path / "tweets.parquet").unlink()
    table("tweets", rows["tweets"][1:]).write_parquet(tmp_path / "tweets-2.parquet")
    table("tweets", rows["tweets"][:1]).write_parquet(tmp_path / "tweets-1.parquet")
    tweets = open_dataset(tmp_path).tables["tweets"]
    assert tweets.get_column("tweet").to_list() == ["t1", "t2", "t3"]
    assert tweets.get_column("row").to_list() == [1, 2, 3]


def test_the_digest_is_that_of_the_content(tmp_path: Path) -> None:
    rows = rows_of_a_small_world()
    here = open_dataset(write_dataset(tmp_path / "here", rows)).digest
    assert open_dataset(write_dataset(tmp_path / "there", rows)).digest == here
    rows["follows"].append(rows["follows"][0] | {"follower": "8"})
    assert open_dataset(write_dataset(tmp_path / "more", rows)).digest != here


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not a directory"):
        open_dataset(tmp_path / "nowhere")


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    write_dataset(tmp_path, rows_of_a_small_world())
    (tmp_path / "follows.parquet").unlink()
    with pytest.raises(ConfigurationError, match=r"follows\.parquet is missing.*without rows"):
        open_dataset(tmp_path)


def test_a_file_cut_short_is_named(tmp_path: Path) -> None:
    write_dataset(tmp_path, rows_of_a_small_world())
    path = tmp_path / "impressions.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ConfigurationError, match=r"impressions\.parquet cannot be read as Parquet"):
        open_dataset(tmp_path)


def test_a_table_both_whole_and_in_parts_is_ambiguous(tmp_path: Path) -> None:
    write_dataset(tmp_path, rows_of_a_small_world())
    table("users", []).write_parquet(tmp_path / "users-1.parquet")
    with pytest.raises(ConfigurationError, match="Remove one"):
        open_dataset(tmp_path)


def test_a_table_of_another_shape_names_its_file(tmp_path: Path) -> None:
    write_dataset(tmp_path, rows_of_a_small_world())
    frame = pl.read_parquet(tmp_path / "users.parquet").drop("created_at")
    frame.write_parquet(tmp_path / "users.parquet")
    with pytest.raises(ConfigurationError, match=r"users\.parquet .*column created_at is missing"):
        open_dataset(tmp_path)
    assert (tmp_path / META_FILE).exists()
