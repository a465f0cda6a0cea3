from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from core.errors import ConfigurationError
from interchange.kuairand_source import KuaiRand, read_kuairand
from tests.unit.interchange.datasets import START_MS, impression, write_kuairand

T = START_MS
GOOD = [impression(1, 1, T), impression(2, 2, T + 5)]


def read(src: Path) -> KuaiRand:
    return read_kuairand(src, lambda _: None)


def test_rows_rise_by_time_and_repeats_of_a_moment_are_numbered(tmp_path: Path) -> None:
    again = impression(1, 1, T, is_click=1)
    source = read(write_kuairand(tmp_path, [[GOOD[1], again], [GOOD[0]]]))
    assert source.impressions.select("time_ms", "is_click", "occurrence").rows() == [
        (T, 0, 1),
        (T, 1, 2),
        (T + 5, 0, 1),
    ]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (impression(9, 1, T + 1), "the viewer is not among the users"),
        (impression(1, 9, T + 1), "the item is not among the videos"),
        (impression(1, 1, T + 1, is_like=2), "an engagement is neither 0 nor 1"),
        (impression(1, 1, 1_650_000_000), "time_ms is not a time after 2010 in milliseconds"),
        (impression(1, 1, T + 1, play_time_ms=-1), "play_time_ms is negative"),
        (impression(1, 1, T + 1) | {"tab": None}, "a column is null"),
    ],
)
def test_a_bad_row_in_the_middle_is_named_and_counted(
    tmp_path: Path, bad: dict[str, int], reason: str
) -> None:
    said: list[str] = []
    source = read_kuairand(write_kuairand(tmp_path, [[GOOD[0], bad, GOOD[1]]]), said.append)
    assert source.impressions.height == 2
    (refusal,) = source.refusals
    assert (refusal.table, refusal.reason, refusal.rows) == ("impressions", reason, 1)
    assert refusal.line() in said


def test_bad_items_and_viewers_are_named_and_counted(tmp_path: Path) -> None:
    write_kuairand(tmp_path, [GOOD], upload_days=["2022-04-10", "2022-04-11", "someday"])
    users = pl.DataFrame({"user_id": [1, 2, 2, 3], "register_days": [1, 2, 3, None]})
    users.write_parquet(tmp_path / "users.parquet")
    assert [(r.table, r.reason, r.rows) for r in read(tmp_path).refusals] == [
        ("users", "an earlier row has the same user_id", 1),
        ("users", "register_days is null or negative", 1),
        ("videos", "upload_dt is not a day such as 2022-04-09", 1),
    ]


def test_where_nothing_can_be_used_the_reasons_are_the_error(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"no impression .* 1 rows refused, the viewer is not among the users"
    ):
        read(write_kuairand(tmp_path, [[impression(9, 1, T)]]))


@pytest.mark.parametrize("name", ["users.parquet", "videos.parquet"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    write_kuairand(tmp_path, [GOOD])
    (tmp_path / name).unlink()
    with pytest.raises(ConfigurationError, match=f"{name} is missing"):
        read(tmp_path)


def test_a_directory_without_impressions(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"holds neither log_\*\.csv nor impressions_\*\.parquet"):
        read(tmp_path)
    with pytest.raises(ConfigurationError, match="is not a directory"):
        read(tmp_path / "nowhere")


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    write_kuairand(tmp_path, [GOOD])
    path = tmp_path / "impressions_0.parquet"
    pl.read_parquet(path).drop("is_click", "tab").write_parquet(path)
    with pytest.raises(ConfigurationError, match=r"impressions_0\.parquet lacks the columns tab, is_click"):
        read(tmp_path)


def test_a_column_of_the_wrong_type_is_named(tmp_path: Path) -> None:
    write_kuairand(tmp_path, [GOOD])
    path = tmp_path / "impressions_0.parquet"
    pl.read_parquet(path).with_columns(pl.col("time_ms").cast(pl.String)).write_parquet(path)
    with pytest.raises(ConfigurationError, match="time_ms is String"):
        read(tmp_path)


def test_a_file_that_is_not_parquet_is_named(tmp_path: Path) -> None:
    write_kuairand(tmp_path, [GOOD])
    (tmp_path / "users.parquet").write_text("user_id,register_days\n")
    with pytest.raises(ConfigurationError, match=r"users\.parquet cannot be read as Parquet"):
        read(tmp_path)


def published(tmp_path: Path) -> Path:
    """The same history as Parquet says, in the files that the authors of KuaiRand publish."""
    parquet = write_kuairand(tmp_path / "parquet", [[GOOD[1]], [GOOD[0], impression(1, 9, T + 9)]])
    csv = tmp_path / "data"
    csv.mkdir()
    for name, log in (("standard_4_08_to_4_21", "0"), ("random_4_22_to_5_08", "1")):
        rows = pl.read_parquet(parquet / f"impressions_{log}.parquet").drop("author_id")
        rows.with_columns(date=20220422, is_rand=int(log)).write_csv(csv / f"log_{name}_pure.csv")
    pl.read_parquet(parquet / "users.parquet").write_csv(csv / "user_features_pure.csv")
    pl.read_parquet(parquet / "videos.parquet").write_csv(csv / "video_features_basic_pure.csv")
    return csv


def test_the_files_as_they_are_published(tmp_path: Path) -> None:
    source, same = read(published(tmp_path)), read(tmp_path / "parquet")
    columns = same.impressions.columns
    assert source.impressions.select(columns).rows() == same.impressions.rows()
    assert source.viewers.rows() == same.viewers.rows()
    assert source.items.rows() == same.items.rows()
    # An item that nobody describes has no author.
    assert [(one.table, one.rows) for one in source.refusals] == [("impressions", 1)]


def test_a_published_file_that_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    csv = published(tmp_path)
    (csv / "user_features_pure.csv").unlink()
    with pytest.raises(ConfigurationError, match=r"user_features_\*\.csv is missing"):
        read(csv)
    (csv / "user_features_pure.csv").write_bytes(b"")
    with pytest.raises(ConfigurationError, match=r"user_features_pure\.csv cannot be read as CSV"):
        read(csv)
