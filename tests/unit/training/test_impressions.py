"""What is an impression, what is a click of it, and when both are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from core.errors import ConfigurationError
from features.schema import FEATURES
from tests.unit.training.lakes import T0_MS, LakeBuilder
from training.impressions import labelled_impressions

WINDOW_S = 600.0
WINDOW_MS = 600_000
ROW = [1.5] * len(FEATURES)


@pytest.fixture
def lake() -> LakeBuilder:
    return LakeBuilder()


def labelled(
    lake: LakeBuilder,
    root: Path,
    *,
    from_ms: int | None = None,
    to_ms: int | None = None,
    complete_ms: int | None = None,
) -> pl.DataFrame:
    reader = lake.write(root / "lake", complete_ms=complete_ms)
    return labelled_impressions(reader, from_ms=from_ms, to_ms=to_ms, windows_s={"click": WINDOW_S})


@pytest.mark.parametrize(
    ("after_ms", "clicked"), [(0, True), (WINDOW_MS, True), (WINDOW_MS + 1, False), (-5, True)]
)
def test_a_click_counts_within_its_window(
    lake: LakeBuilder, tmp_path: Path, after_ms: int, clicked: bool
) -> None:
    lake.view("seen", T0_MS)
    lake.view("click", T0_MS + after_ms)
    assert labelled(lake, tmp_path)["click"].to_list() == [clicked]


@pytest.mark.parametrize("other", [{"viewer": 2}, {"request": "bb"}, {"tweet": 7}])
def test_a_click_counts_for_its_own_viewer_request_and_tweet(
    lake: LakeBuilder, tmp_path: Path, other: dict[str, Any]
) -> None:
    lake.view("seen", T0_MS)
    lake.view("click", T0_MS + 1, **other)
    assert labelled(lake, tmp_path)["click"].to_list() == [False]


def test_repetitions_count_once_and_the_first_one_decides(lake: LakeBuilder, tmp_path: Path) -> None:
    lake.view("seen", T0_MS)
    lake.view("seen", T0_MS + 9)
    lake.view("click", T0_MS + WINDOW_MS + 5)
    lake.view("click", T0_MS + WINDOW_MS + 6)
    frame = labelled(lake, tmp_path)
    assert frame.select("seen_ms", "click").rows() == [(T0_MS, False)]


def test_what_was_served_and_not_seen_is_no_negative(lake: LakeBuilder, tmp_path: Path) -> None:
    lake.served(T0_MS, tweet=5)
    lake.served(T0_MS, tweet=7)
    lake.view("seen", T0_MS + 1, tweet=5)
    assert labelled(lake, tmp_path)["tweet"].to_list() == [5]


def test_an_impression_counts_once_its_window_has_passed(lake: LakeBuilder, tmp_path: Path) -> None:
    lake.view("seen", T0_MS, tweet=5)
    lake.view("seen", T0_MS + 1, tweet=7)
    frame = labelled(lake, tmp_path, complete_ms=T0_MS + WINDOW_MS)
    assert frame["tweet"].to_list() == [5]


def test_no_label_looks_past_the_end_of_the_range(lake: LakeBuilder, tmp_path: Path) -> None:
    lake.view("seen", T0_MS, tweet=5)
    lake.view("seen", T0_MS + 1, tweet=7)
    lake.view("click", T0_MS + 2, tweet=7)
    frame = labelled(lake, tmp_path, to_ms=T0_MS + WINDOW_MS)
    assert frame["tweet"].to_list() == [5]


def test_the_range_begins_where_it_says(lake: LakeBuilder, tmp_path: Path) -> None:
    lake.view("seen", T0_MS, tweet=5)
    lake.view("seen", T0_MS + 1, tweet=7)
    assert labelled(lake, tmp_path, from_ms=T0_MS + 1)["tweet"].to_list() == [7]


def test_features_are_those_served_under_today_s_schema(lake: LakeBuilder, tmp_path: Path) -> None:
    lake.served(T0_MS, tweet=5, features=ROW)
    lake.served(T0_MS, tweet=6, features=ROW, schema_hash="of another time")
    lake.served(T0_MS, tweet=7, features=ROW[1:])
    lake.served(T0_MS, tweet=8)
    for tweet in (5, 6, 7, 8, 9):
        lake.view("seen", T0_MS + tweet, tweet=tweet)
    frame = labelled(lake, tmp_path)
    assert frame["as_served"].to_list() == [True, False, False, False, False]
    # As of the request, where that is known: it was ranked then, not when it was scrolled to.
    assert frame["moment_ms"].to_list() == [T0_MS] * 4 + [T0_MS + 9]


def test_where_it_was_shown_is_what_was_served_else_what_the_source_said(
    lake: LakeBuilder, tmp_path: Path
) -> None:
    for request in ("aa", "bb", "cc"):
        lake.view("seen", T0_MS, request=request)
    lake.rows["views"][-1]["surface"] = "tab-1"
    lake.served(T0_MS - 5, request="aa")
    lake.rows["served"][-1] |= {"source": "popular", "surface": "profile"}
    # From before the surface was written down.
    lake.served(T0_MS - 5, request="bb")
    rows = labelled(lake, tmp_path).sort("request_id").select("surface", "source").rows()
    assert rows == [("profile", "popular"), ("home", ""), ("tab-1", "")]


def test_an_empty_lake_says_what_is_needed(lake: LakeBuilder, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds no impression yet"):
        labelled(lake, tmp_path)


def test_a_range_without_labels_says_what_there_is(lake: LakeBuilder, tmp_path: Path) -> None:
    lake.view("seen", T0_MS)
    reader = lake.write(tmp_path / "lake", complete_ms=T0_MS + 5)
    with pytest.raises(ConfigurationError, match=r"a click counts for 600 s.*--window"):
        labelled_impressions(reader, from_ms=None, to_ms=None, windows_s={"click": WINDOW_S})
    with pytest.raises(ConfigurationError, match=r"from 2023-11-14T22:13:20.000Z until the end"):
        labelled_impressions(reader, from_ms=T0_MS, to_ms=None, windows_s={})
