from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from core.errors import ConfigurationError
from interchange.dataset import open_dataset
from interchange.inspection import inspect_rows
from interchange.kuairand import NAMESPACES, convert_kuairand
from interchange.report import ConvertReport
from interchange.schema import read_meta
from tests.unit.interchange.datasets import NOW_MS, START_MS, impression, write_kuairand

T = START_MS

FIRST = [
    impression(1, 1, T + 1_000, is_click=1, long_view=1, play_time_ms=4_000),
    impression(1, 2, T + 2_000),
    impression(2, 1, T + 9_000, is_like=1, is_comment=1),
]
SECOND = [
    # Overlaps the first file by 4 s, repeats one of its rows, and then repeats itself.
    impression(1, 2, T + 5_000, is_hate=1),
    impression(2, 1, T + 9_000, is_like=1, is_comment=1),
    impression(10, 3, T + 20_000, is_click=1),
    impression(10, 3, T + 20_000, is_click=1),
    # The same viewer, item and millisecond, and yet another row.
    impression(10, 3, T + 20_000, play_time_ms=700),
]


def convert(tmp_path: Path, *, follow_engaged: bool = False, until_ms: int | None = None) -> ConvertReport:
    src = write_kuairand(tmp_path / "src", [FIRST, SECOND])
    return convert_kuairand(
        src, tmp_path / "out", follow_engaged=follow_engaged, until_ms=until_ms, report=lambda _: None
    )


def rows(tmp_path: Path, table: str, *columns: str) -> list[tuple[Any, ...]]:
    frame = pl.read_parquet(tmp_path / "out" / f"{table}.parquet").select(columns)
    return [
        tuple(
            (v - dt.datetime.fromtimestamp(T / 1000, dt.UTC)).total_seconds()
            if isinstance(v, dt.datetime)
            else v
            for v in row
        )
        for row in frame.rows()
    ]


def test_files_are_merged_by_time_and_freed_of_exact_duplicates(tmp_path: Path) -> None:
    report = convert(tmp_path)
    assert (report.source_rows, report.duplicates, report.near_duplicates, report.overlap_s) == (8, 2, 1, 4.0)
    shown = rows(tmp_path, "impressions", "at", "viewer", "tweet", "surface", "position", "seen")
    assert shown == [
        (1.0, "1", "1", "tab-1", None, True),
        (2.0, "1", "2", "tab-1", None, True),
        (5.0, "1", "2", "tab-1", None, True),
        (9.0, "2", "1", "tab-1", None, True),
        (20.0, "10", "3", "tab-1", None, True),
        (20.0, "10", "3", "tab-1", None, True),
    ]
    requests = [row[0] for row in rows(tmp_path, "impressions", "request")]
    assert len(set(requests)) == 6
    assert requests[0] == f"1-{T + 1_000}"
    assert requests[-1] == f"10-{T + 20_000}-2"


def test_the_order_of_the_files_does_not_matter(tmp_path: Path) -> None:
    src = write_kuairand(tmp_path / "src", [SECOND, FIRST])
    turned = write_kuairand(tmp_path / "turned", [FIRST[::-1], SECOND])
    for source, out in ((src, "a"), (turned, "b")):
        convert_kuairand(source, tmp_path / out, follow_engaged=True, until_ms=None, report=lambda _: None)
    assert open_dataset(tmp_path / "a").digest == open_dataset(tmp_path / "b").digest


def test_every_flag_is_an_engagement_and_a_dwell_is_known_when_it_ended(tmp_path: Path) -> None:
    convert(tmp_path)
    engaged = rows(tmp_path, "engagements", "at", "viewer", "tweet", "type", "value")
    assert sorted(engaged[:5]) == [
        (1.0, "1", "1", "click", None),
        (1.0, "1", "1", "long_view", None),
        (5.0, "1", "1", "dwell", 4_000),
        (5.0, "1", "2", "hide", None),
        (9.0, "2", "1", "comment", None),
    ]
    assert engaged[-1] == (20.7, "10", "3", "dwell", 700)
    (dwell,) = pl.read_parquet(tmp_path / "out" / "engagements.parquet").filter(
        pl.col("type") == "dwell", pl.col("viewer") == "1"
    )["request"]
    assert dwell == f"1-{T + 1_000}"


def test_viewers_and_authors_are_two_namespaces(tmp_path: Path) -> None:
    report = convert(tmp_path)
    assert report.colliding_ids == 1
    people = rows(tmp_path, "users", "user", "role", "handle")
    assert ("10", "viewer", "kr_v10") in people
    assert ("10", "author", "kr_a10") in people
    meta = read_meta(tmp_path / "out")
    assert meta.namespaces == NAMESPACES
    assert meta.complete_until == dt.datetime.fromtimestamp(T / 1000 + 20, dt.UTC)


def test_nobody_and_nothing_is_younger_than_what_happened_to_it(tmp_path: Path) -> None:
    src = write_kuairand(tmp_path / "src", [FIRST], upload_days=["2022-04-10", "2022-06-01", "2022-06-01"])
    convert_kuairand(src, tmp_path / "out", follow_engaged=False, until_ms=None, report=lambda _: None)
    written = {row[0]: row[1] for row in rows(tmp_path, "tweets", "tweet", "created_at")}
    assert written["2"] == 2.0
    joined = {row[:2]: row[2] for row in rows(tmp_path, "users", "user", "role", "created_at")}
    assert joined["20", "author"] == written["2"]
    assert max(age for (_, role), age in joined.items() if role == "viewer") < 0


def test_upload_days_are_beijings(tmp_path: Path) -> None:
    convert(tmp_path)
    tweets = pl.read_parquet(tmp_path / "out" / "tweets.parquet").to_dicts()
    assert {row["created_at"] for row in tweets} == {dt.datetime(2022, 4, 9, 16, tzinfo=dt.UTC)}
    assert [(row["tweet"], row["author"], row["duration_ms"], row["tags"]) for row in tweets] == [
        ("1", "10", 9_000, ["1"]),
        ("2", "20", 12_000, ["20", "43"]),
        ("3", "30", None, None),
    ]


def test_without_follow_engaged_nobody_follows_and_meta_says_so(tmp_path: Path) -> None:
    report = convert(tmp_path)
    assert rows(tmp_path, "follows", "follower") == []
    assert report.assumptions[-1] == "KuaiRand has no follow graph: nobody follows anybody"
    assert read_meta(tmp_path / "out").assumptions == report.assumptions


def test_assumed_follows_begin_with_the_first_engagement_before_until(tmp_path: Path) -> None:
    report = convert(tmp_path, follow_engaged=True, until_ms=T + 20_000)
    assert rows(tmp_path, "follows", "follower", "followee", "at") == [("1", "10", 1.0), ("2", "10", 9.0)]
    assert "2 follows were assumed" in report.assumptions[-1]
    assert "before 2022-05-01T00:00:20+00:00" in report.assumptions[-1]
    assert read_meta(tmp_path / "out").assumptions == report.assumptions
    assert any(line.startswith("assumption: KuaiRand has no follow graph") for line in report.lines())


def test_the_result_passes_inspection_whole(tmp_path: Path) -> None:
    convert(tmp_path, follow_engaged=True)
    inspection = inspect_rows(open_dataset(tmp_path / "out"), now_ms=NOW_MS)
    assert inspection.refusals == []
    assert not any(inspection.duplicates.values())


def test_a_second_conversion_replaces_the_first(tmp_path: Path) -> None:
    convert(tmp_path, follow_engaged=True)
    first = open_dataset(tmp_path / "out").digest
    convert(tmp_path, follow_engaged=True)
    assert open_dataset(tmp_path / "out").digest == first


def test_a_directory_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match=r"thesis\.txt.*name a new or empty directory"):
        convert(tmp_path)
    assert (tmp_path / "out" / "thesis.txt").read_text() == "mine"


def test_the_source_is_never_written_into(tmp_path: Path) -> None:
    src = write_kuairand(tmp_path / "src", [FIRST])
    with pytest.raises(ConfigurationError, match="is the source itself"):
        convert_kuairand(src, src, follow_engaged=False, until_ms=None, report=lambda _: None)
