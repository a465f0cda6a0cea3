"""What counts as a label, for which impression, and when it is known: each head by its own window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from core.ids import IMPORTER_DATACENTER, IMPORTER_MACHINE, compose_id
from features.schema import FEATURES, LONG_DWELL_MS
from stores.lake import LakeReader
from stores.lake_imports import declare
from tests.unit.training.lakes import DAY_MS, T0_MS, LakeBuilder
from training.impressions import impressions
from training.labels import LABELS, Head, known_until_ms

HEADS = tuple(LABELS)


@pytest.fixture
def lake() -> LakeBuilder:
    return LakeBuilder()


def rows(lake: LakeBuilder, root: Path, **options: Any) -> list[dict[str, Any]]:
    complete_ms = options.pop("complete_ms", None)
    return impressions(lake.write(root / "lake", complete_ms=complete_ms), **options).collect().to_dicts()


def happens(lake: LakeBuilder, head: Head, ts_ms: int, **ids: Any) -> None:
    if LABELS[head].table == "views":
        lake.view(head, ts_ms, value_ms=LONG_DWELL_MS if head == "dwell" else 0, **ids)
    else:
        lake.edge(head, ts_ms, user=ids.get("viewer", 1), tweet=ids.get("tweet", 5))


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize(("over_ms", "positive"), [(0, True), (1, False)])
def test_a_label_counts_within_its_window(
    lake: LakeBuilder, tmp_path: Path, head: Head, over_ms: int, positive: bool
) -> None:
    lake.view("seen", T0_MS)
    happens(lake, head, T0_MS + round(LABELS[head].window_s * 1000) + over_ms)
    (row,) = rows(lake, tmp_path)
    assert {name: row[name] for name in HEADS} == dict.fromkeys(HEADS, False) | {head: positive}


def test_a_label_is_known_once_its_own_window_has_passed(lake: LakeBuilder, tmp_path: Path) -> None:
    lake.view("seen", T0_MS)
    for head in HEADS:
        happens(lake, head, T0_MS + 1)
    unknown = {head for head in HEADS if LABELS[head].window_s > 1_800}
    for complete_s, null in ((0, {*HEADS}), (600, {*HEADS} - {"click"}), (1_800, unknown), (86_400, set())):
        for options in ({"complete_ms": T0_MS + complete_s * 1_000}, {"to_ms": T0_MS + complete_s * 1_000}):
            found = rows(lake, tmp_path / f"{complete_s}{[*options]}", **options)
            # A range that ends where it was seen has no impression at all.
            if found:
                assert {head for head in HEADS if found[0][head] is None} == null
                assert {found[0][head] for head in {*HEADS} - null} <= {True}


def test_edges_are_known_as_far_as_edges_are_complete(lake: LakeBuilder, tmp_path: Path) -> None:
    lake.view("seen", T0_MS)
    reader = lake.write(tmp_path)
    reader.manifest.complete_until_ms["edges"] = T0_MS + DAY_MS - 1
    row = impressions(reader).collect().to_dicts()[0]
    assert [head for head in HEADS if row[head] is None] == ["like", "reply", "retweet"]


def imported(lake: LakeBuilder, at_ms: int, **ids: Any) -> None:
    lake.view("seen", at_ms, **ids)
    lake.rows["views"][-1]["event_id"] = compose_id(at_ms, IMPORTER_DATACENTER, IMPORTER_MACHINE, 0)


@pytest.mark.parametrize(("declared", "known"), [(True, [True, True, False]), (False, [True, False, False])])
def test_what_was_imported_is_known_as_far_as_its_source_is_complete(
    lake: LakeBuilder, tmp_path: Path, declared: bool, known: list[bool]
) -> None:
    for request, at_ms in (("aa", 0), ("bb", 500_000), ("cc", 600_000)):
        imported(lake, T0_MS + at_ms, request=request)
    lake.write(tmp_path)
    if declared:
        declare(tmp_path, "digest", T0_MS + 1_100_000)
    reader = LakeReader(tmp_path)
    frame = impressions(reader).collect()
    # A click counts for ten minutes; the log was complete ten days later, which says nothing of the source.
    assert frame["click"].is_not_null().to_list() == known
    assert known_until_ms(reader, "click", None) == T0_MS + (1_100_000 if declared else 600_000)
    assert known_until_ms(reader, "click", T0_MS + 7) == T0_MS + 7


def test_what_happened_here_after_an_import_is_known_as_the_log_is(lake: LakeBuilder, tmp_path: Path) -> None:
    imported(lake, T0_MS, request="aa")
    lake.view("seen", T0_MS + DAY_MS, request="bb")
    lake.write(tmp_path, complete_ms=T0_MS + 3 * DAY_MS)
    declare(tmp_path, "digest", T0_MS + 5)
    reader = LakeReader(tmp_path)
    assert impressions(reader).collect()["like"].to_list() == [None, False]
    assert known_until_ms(reader, "like", None) == T0_MS + 3 * DAY_MS


@pytest.mark.parametrize(("value_ms", "positive"), [(LONG_DWELL_MS - 1, False), (LONG_DWELL_MS, True)])
def test_a_long_dwell_is_one(lake: LakeBuilder, tmp_path: Path, value_ms: int, positive: bool) -> None:
    lake.view("seen", T0_MS)
    lake.view("dwell", T0_MS + 1, value_ms=value_ms)
    # It is told once for an item: a second report is a repetition, whatever it says.
    lake.view("dwell", T0_MS + 2, value_ms=LONG_DWELL_MS * 2)
    assert rows(lake, tmp_path)[0]["dwell"] is positive


def test_an_edge_is_of_what_was_shown_last_before_it(lake: LakeBuilder, tmp_path: Path) -> None:
    lake.view("seen", T0_MS, request="aa")
    lake.view("seen", T0_MS + 1_000, request="bb")
    lake.view("seen", T0_MS + 9_000, request="cc")
    lake.edge("reply", T0_MS + 5_000)
    assert [row["reply"] for row in rows(lake, tmp_path)] == [False, True, False]


def test_a_clock_that_is_ahead_does_not_take_the_edge_away(lake: LakeBuilder, tmp_path: Path) -> None:
    lake.served(T0_MS)
    lake.edge("like", T0_MS + 5_000)
    # The client's clock counted for the report, which came after the like.
    lake.view("seen", T0_MS + 8_000)
    assert rows(lake, tmp_path)[0]["like"] is True


def test_an_edge_that_names_its_request_is_of_that(lake: LakeBuilder, tmp_path: Path) -> None:
    lake.view("seen", T0_MS, request="aa")
    lake.view("seen", T0_MS + 1_000, request="bb")
    lake.edge("like", T0_MS + 5_000)
    lake.rows["edges"][-1]["request_id"] = "aa"
    lake.edge("retweet", T0_MS + 5_000)
    lake.rows["edges"][-1]["request_id"] = "of nothing that was seen"
    assert [(row["like"], row["retweet"]) for row in rows(lake, tmp_path)] == [(True, False), (False, False)]


@pytest.mark.parametrize(
    "edge", [{"user": 2}, {"tweet": 7}, {"on": False}, {"user": 0}], ids=["user", "tweet", "undone", "nobody"]
)
def test_what_is_another_s_or_undone_is_no_label(
    lake: LakeBuilder, tmp_path: Path, edge: dict[str, Any]
) -> None:
    lake.view("seen", T0_MS)
    lake.edge("like", T0_MS + 1, **edge)
    assert rows(lake, tmp_path)[0]["like"] is False


def test_a_like_of_before_edges_had_kinds_is_a_like(lake: LakeBuilder, tmp_path: Path) -> None:
    lake.view("seen", T0_MS)
    lake.like(T0_MS + 1)
    lake.rows["edges"][-1]["kind"] = None
    assert rows(lake, tmp_path)[0]["like"] is True


def test_what_was_served_stands_beside_it_and_features_by_their_names(
    lake: LakeBuilder, tmp_path: Path
) -> None:
    values = [float("nan"), *range(1, len(FEATURES))]
    lake.served(T0_MS, features=values)
    lake.rows["served"][-1] |= {"algorithm": "ranked", "source": "timeline", "score": 0.5}
    # A repeated record changes nothing.
    lake.rows["served"].append(lake.rows["served"][-1] | {"score": 0.75})
    lake.view("seen", T0_MS + 3)
    lake.view("seen", T0_MS + 4, request="bb")
    frame = impressions(lake.write(tmp_path)).collect()
    first, second = frame.to_dicts()
    assert (first["served_ms"], first["moment_ms"], first["seen_ms"]) == (T0_MS, T0_MS, T0_MS + 3)
    assert (first["algorithm"], first["source"], first["score"]) == ("ranked", "timeline", 0.5)
    assert (first["as_served"], second["as_served"]) == (True, False)
    # The very bits; and null, not NaN, where nothing was logged.
    assert frame[0].select(FEATURES).to_numpy().tobytes() == np.array(values, "<f4").tobytes()
    assert [second[name] for name in FEATURES] == [None] * len(FEATURES)
    assert (second["served_ms"], second["algorithm"], second["source"]) == (None, None, "")
    assert frame.schema["seen_ms"] == pl.Int64()
    assert {frame.schema[name] for name in FEATURES} == {pl.Float32()}
    assert {frame.schema[head] for head in HEADS} == {pl.Boolean()}


def test_a_lake_without_any_of_it_is_an_empty_frame(lake: LakeBuilder, tmp_path: Path) -> None:
    frame = impressions(lake.write(tmp_path)).collect()
    assert frame.is_empty()
    assert set(frame.columns) >= {"seen_ms", *FEATURES, *HEADS}


def test_nothing_is_read_before_it_is_collected(lake: LakeBuilder, tmp_path: Path) -> None:
    lake.view("seen", T0_MS)
    lazily = impressions(lake.write(tmp_path))
    assert isinstance(lazily, pl.LazyFrame)
    assert lazily.select("viewer", "click").collect().rows() == [(1, False)]
