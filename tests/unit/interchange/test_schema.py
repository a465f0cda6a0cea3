from __future__ import annotations

from pathlib import Path
from typing import Literal

import polars as pl
import pytest

from core.errors import ConfigurationError
from interchange.schema import META_FILE, TABLES, conform, read_meta, write_meta, write_table
from tests.unit.interchange.datasets import META, at, rows_of_a_small_world, table


def follows(**columns: object) -> pl.DataFrame:
    return pl.DataFrame({"follower": ["a"], "followee": ["b"], "at": [at(0)]} | columns)


def test_absent_optional_columns_become_nulls_and_unknown_ones_go() -> None:
    frame = pl.DataFrame({"user": ["a"], "created_at": [at(0)], "shoe_size": [43]})
    conformed = conform("users", frame, "here")
    assert conformed.columns == [column.name for column in TABLES["users"]]
    assert conformed.row(0) == ("a", None, None, at(0))


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_any_unit_of_a_utc_time_is_taken(unit: Literal["ms", "us", "ns"]) -> None:
    frame = follows().with_columns(pl.col("at").dt.cast_time_unit(unit))
    assert conform("follows", frame, "here").get_column("at").to_list() == [at(0)]


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (follows().drop("followee"), "column followee is missing (columns found: follower, at)"),
        (follows(follower=[1]), "column follower is Int64; cast it to String"),
        (follows(at=["2022-05-01"]), "column at is String, not a time"),
        (follows(at=[at(0).replace(tzinfo=None)]), "column at has no time zone"),
        (
            follows().with_columns(pl.col("at").dt.convert_time_zone("Asia/Shanghai")),
            "column at has the time zone Asia/Shanghai; every time must be in UTC",
        ),
    ],
)
def test_another_shape_is_refused_with_what_to_do(frame: pl.DataFrame, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        conform("follows", frame, "follows.parquet")
    assert said in str(caught.value)
    assert str(caught.value).startswith("follows.parquet does not have the shape of the table follows")


def test_every_fault_is_named_at_once() -> None:
    frame = pl.DataFrame({"follower": [1], "at": ["soon"]})
    with pytest.raises(ConfigurationError, match=r"follower is Int64.*followee is missing.*at is String"):
        conform("follows", frame, "here")


@pytest.mark.parametrize("name", list(TABLES))
def test_a_written_table_reads_back(tmp_path: Path, name: str) -> None:
    frame = table(name, rows_of_a_small_world()[name])
    write_table(tmp_path, name, frame)
    assert pl.read_parquet(tmp_path / f"{name}.parquet").equals(frame)


def test_meta_reads_back(tmp_path: Path) -> None:
    write_meta(tmp_path, META)
    assert read_meta(tmp_path) == META
    assert [path.name for path in tmp_path.iterdir()] == [META_FILE]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not the description of a dataset"),
        ("\xff", "is not the description of a dataset"),
        ('{"source": "s"}', "complete_until"),
        (
            '{"source":"s","complete_until":"2022-05-01T00:00:00",'
            '"namespaces":{"viewers":"a","authors":"b","tweets":"c"}}',
            "has no time zone",
        ),
        (
            '{"source":"s","complete_until":"2022-05-01T00:00:00Z",'
            '"namespaces":{"viewers":"a","authors":"b","tweets":"a"}}',
            "Give tweets a namespace of their own",
        ),
        (
            '{"interchange":2,"source":"s","complete_until":"2022-05-01T00:00:00Z",'
            '"namespaces":{"viewers":"a","authors":"b","tweets":"c"}}',
            "is of interchange format 2; this code knows 1",
        ),
    ],
)
def test_a_bad_meta_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / META_FILE).write_text(text, encoding="latin-1")
    with pytest.raises(ConfigurationError, match=said):
        read_meta(tmp_path)


def test_a_directory_without_meta_is_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"meta\.json is missing.*convert again"):
        read_meta(tmp_path)
