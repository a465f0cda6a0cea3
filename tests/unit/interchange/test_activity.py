from __future__ import annotations

import hashlib
from typing import Any

import polars as pl

from interchange.activity import merge_activity, request_digests
from tests.unit.interchange.datasets import START_MS, at, rows_of_a_small_world, table


def merged(**rows: list[dict[str, Any]]) -> tuple[list[tuple[Any, ...]], dict[str, int]]:
    world = rows_of_a_small_world() | rows
    activity, not_imported = merge_activity(
        table("impressions", world["impressions"]), table("engagements", world["engagements"])
    )
    plain = ["at_ms", "kind", "viewer", "tweet", "request", "position", "value_ms"]
    assert activity.columns == [*plain, "surface"]
    return [(row[0] - START_MS, *row[1:]) for row in activity.select(plain).rows()], not_imported


def test_both_tables_become_one_sequence_in_time() -> None:
    rows, not_imported = merged()
    assert rows == [
        (10_000, "seen", "7", "t1", "r1", 0, 0),
        (10_000, "seen", "7", "t2", "r1", 1, 0),
        (10_000, "click", "7", "t2", "r1", 1, 0),
        (12_000, "like", "7", "t2", "r1", 1, 0),
        (15_000, "dwell", "7", "t2", "r1", 1, 5_000),
        (20_000, "seen", "8", "t2", "r2", -1, 0),
        # The click has no request: it is that of the impression before it.
        (25_000, "click", "8", "t2", "r2", -1, 0),
        # This viewer was never shown that tweet: a request of its own.
        (26_000, "hide", "8", "t1", "8/t1", -1, 0),
    ]
    assert not_imported == {"comment": 1}


def test_an_engagement_happened_on_the_surface_of_its_impression() -> None:
    shown = {"viewer": "7", "tweet": "t1", "seen": True, "request": "r1", "surface": "tab-4"}
    done = {"viewer": "7", "tweet": "t1", "type": "click", "at": at(12), "request": "r1"}
    activity, _ = merge_activity(
        table("impressions", [shown | {"at": at(10)}]),
        table("engagements", [done, done | {"request": "r9", "at": at(13)}]),
    )
    assert activity["surface"].to_list() == ["tab-4", "tab-4", ""]


def test_the_order_of_the_source_does_not_matter() -> None:
    world = rows_of_a_small_world()
    assert merged(impressions=world["impressions"][::-1], engagements=world["engagements"][::-1]) == merged()


def test_a_lost_request_is_the_latest_one_before_it() -> None:
    shown = {"viewer": "7", "tweet": "t1", "seen": True}
    rows, _ = merged(
        impressions=[shown | {"request": f"r{n}", "at": at(n * 10)} for n in (1, 2, 3)],
        engagements=[{"viewer": "7", "tweet": "t1", "type": "click", "at": at(29)}],
    )
    assert [row[4] for row in rows if row[1] == "click"] == ["r2"]


def test_what_was_not_seen_is_counted_and_left_out() -> None:
    unseen = {"request": "r1", "viewer": "7", "tweet": "t1", "at": at(1), "seen": False}
    rows, not_imported = merged(impressions=[unseen], engagements=[])
    assert rows == []
    assert not_imported == {"impressions not seen": 1}


def test_an_engagement_cannot_pass_for_an_impression() -> None:
    fake = {"viewer": "7", "tweet": "t1", "type": "seen", "at": at(1), "request": "r1"}
    rows, not_imported = merged(impressions=[], engagements=[fake])
    assert rows == []
    assert not_imported == {"seen": 1}


def test_only_a_dwell_has_a_value() -> None:
    rows, _ = merged(
        engagements=[
            {"viewer": "7", "tweet": "t1", "type": "click", "at": at(11), "request": "r1", "value": 3}
        ]
    )
    assert rows[-1] == (20_000, "seen", "8", "t2", "r2", -1, 0)
    assert [row[6] for row in rows if row[1] == "click"] == [0]


def test_request_ids_are_16_bytes_of_namespace_and_request() -> None:
    digests = dict(request_digests("w/user", pl.Series(["r1", "r2", "r1"])).iter_rows())
    assert digests == {
        request: hashlib.blake2b(f"w/user\0{request}".encode(), digest_size=16).digest()
        for request in ("r1", "r2")
    }
