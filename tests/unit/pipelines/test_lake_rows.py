"""Events become rows with the columns of their table, or are refused one by one."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from core.errors import Corrupt
from eventlog.envelope import decode_envelope
from eventlog.schema import (
    BlockSet,
    Event,
    FollowSet,
    LikeSet,
    ReplySet,
    RetweetSet,
    Served,
    ServedItem,
    TweetCreated,
    Viewed,
    decode_event,
    record_of,
)
from pipelines.lake_rows import TABLE_OF_TOPIC, Row, rows_of
from stores.lake_tables import SCHEMAS

TS_MS = 1_700_000_000_000


def rows(event: Event, ts_ms: int = TS_MS) -> list[Row]:
    envelope = decode_envelope(record_of(event, id=7, ts_ms=ts_ms, key=1, ver=8).value)
    decoded = decode_event(envelope)
    assert decoded is not None
    return rows_of(envelope, decoded)


def columns(event: Event) -> list[dict[str, Any]]:
    schema = SCHEMAS[TABLE_OF_TOPIC[event.topic]]
    return pl.DataFrame(rows(event), schema=schema, orient="row").to_dicts()


def served(seed: int = 5) -> Served:
    items = [
        ServedItem(
            11, 21, 0, "in_network", [0.25], 0.5, 0.125, b"\x00\x00\x80?", {"t": (4, 9)}, 0.75, 1.5, 0.5, 3, 1
        ),
        ServedItem(12, 22, 1, "popular"),
    ]
    return Served(
        1, b"\xab\xcd", TS_MS - 5, "ranked", "full", None, "home@1", "engagement@1", "ff", items, seed=seed
    )


def test_a_view() -> None:
    assert columns(Viewed(1, b"\xab", 2, 3, "dwell", 4, 500, "tab-1")) == [
        {
            "ts_ms": TS_MS,
            "event_id": 7,
            "viewer": 1,
            "request_id": "ab",
            "tweet": 2,
            "author": 3,
            "kind": "dwell",
            "position": 4,
            "value_ms": 500,
            "surface": "tab-1",
        }
    ]


def test_a_like() -> None:
    (row,) = columns(LikeSet(1, 2, False, 3))
    assert row == {
        "ts_ms": TS_MS,
        "event_id": 7,
        "user": 1,
        "tweet": 2,
        "author": 3,
        "on": False,
        "ver": 8,
        "kind": "like",
        "item": None,
        "request_id": None,
    }


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (RetweetSet(1, 2, True, retweet=9, author=3, request_id=b"\xab"), "retweet"),
        (ReplySet(reply=9, tweet=2, on=True, user=1, author=3, request_id=b"\xab"), "reply"),
    ],
)
def test_what_else_was_done_to_a_tweet_is_an_edge_of_its_own_kind(event: Event, kind: str) -> None:
    (row,) = columns(event)
    assert (row["user"], row["tweet"], row["author"], row["on"]) == (1, 2, 3, True)
    assert (row["kind"], row["item"], row["request_id"]) == (kind, 9, "ab")


def test_a_follow() -> None:
    (row,) = columns(FollowSet(1, 2, True))
    assert row == {"ts_ms": TS_MS, "event_id": 7, "follower": 1, "followee": 2, "on": True, "ver": 8}


def test_a_tweet_is_kept_without_its_text() -> None:
    (row,) = columns(TweetCreated(2, 3, "grüße", TS_MS - 1, reply_to=4, media_kind="video"))
    assert row == {
        "ts_ms": TS_MS,
        "event_id": 7,
        "tweet": 2,
        "author": 3,
        "created_ms": TS_MS - 1,
        "text_len": 5,
        "reply_to": 4,
        "retweet_of": 0,
        "media_kind": "video",
    }


def test_a_served_page_is_one_row_an_item() -> None:
    first, second = columns(served())
    assert first["request_id"] == second["request_id"] == "abcd"
    assert (first["tweet"], first["position"], first["score"]) == (11, 0, 0.5)
    assert first["heads"] == [0.25]
    assert first["features"] == b"\x00\x00\x80?"
    assert first["rows"] == [{"view": "t", "schema_id": 4, "seq": 9}]
    assert (second["heads"], second["score"], second["features"], second["rows"]) == ([], None, b"", [])


@pytest.mark.parametrize(
    ("seed", "stored"), [(0, 0), (2**63 - 1, 2**63 - 1), (2**63, -(2**63)), (2**64 - 1, -1), (-1, -1)]
)
def test_a_seed_keeps_its_64_bits(seed: int, stored: int) -> None:
    assert columns(served(seed))[0]["seed"] == stored


def test_an_event_that_the_lake_leaves_out_has_no_rows() -> None:
    assert rows(BlockSet(1, 2, True)) == []


@pytest.mark.parametrize(
    "event", [Viewed(2**63, b"", 2, 3, "seen"), Viewed(1, b"", 2, 3, "seen", value_ms=2**64 - 1)]
)
def test_a_number_over_64_bits_is_refused(event: Event) -> None:
    with pytest.raises(Corrupt, match="does not fit"):
        rows(event)


@pytest.mark.parametrize("ts_ms", [-1, 2**62])
def test_an_impossible_time_is_refused(ts_ms: int) -> None:
    with pytest.raises(Corrupt, match="not a time"):
        rows(Viewed(1, b"", 2, 3, "seen"), ts_ms)
