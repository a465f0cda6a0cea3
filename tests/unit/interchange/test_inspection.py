from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest

from core.errors import ConfigurationError
from interchange.dataset import Dataset
from interchange.inspection import Inspection, inspect_rows
from interchange.schema import Meta
from tests.unit.interchange.datasets import META, NOW_MS, Rows, at, rows_of_a_small_world, table


def inspect(rows: dict[str, Any], meta: Meta = META) -> Inspection:
    tables = {name: table(name, part).with_row_index("row", offset=1) for name, part in rows.items()}
    return inspect_rows(Dataset(meta, tables, "0"), now_ms=NOW_MS)


def with_rows(name: str, *more: dict[str, Any]) -> dict[str, Rows]:
    rows = rows_of_a_small_world()
    # In the middle, as bad rows are.
    return rows | {name: [*rows[name][:1], *more, *rows[name][1:]]}


def test_good_rows_pass_untouched() -> None:
    rows = rows_of_a_small_world()
    inspection = inspect(rows)
    assert inspection.refusals == []
    assert {name: frame.height for name, frame in inspection.tables.items()} == {
        name: len(part) for name, part in rows.items()
    }
    assert set(inspection.duplicates.values()) == {0}


@pytest.mark.parametrize("name", ["users", "follows", "tweets", "impressions", "engagements"])
def test_exact_duplicates_are_dropped_and_counted(name: str) -> None:
    rows = rows_of_a_small_world()
    inspection = inspect(rows | {name: [*rows[name], rows[name][0], rows[name][0]]})
    assert inspection.duplicates[name] == 2
    assert inspection.tables[name].height == len(rows[name])
    assert inspection.refusals == []


IMPRESSION = {"request": "r9", "viewer": "7", "tweet": "t1", "at": at(30), "seen": True}
TWEET = {"tweet": "t9", "author": "9", "created_at": at(30), "text": "x"}
DWELL = {"viewer": "7", "tweet": "t1", "type": "dwell", "at": at(30)}


@pytest.mark.parametrize(
    ("name", "row", "reason"),
    [
        ("users", {"user": None, "created_at": at(0)}, "user is null"),
        ("users", {"user": "", "created_at": at(0)}, "user is empty or longer than 200 characters"),
        ("users", {"user": "x" * 201, "created_at": at(0)}, "user is empty or longer than 200 characters"),
        (
            "users",
            {"user": "10", "role": "both", "created_at": at(0)},
            'its role is neither "viewer" nor "author"',
        ),
        (
            "users",
            {"user": "7", "role": "viewer", "handle": "else", "created_at": at(0)},
            "an earlier row has the same role, user and says something else",
        ),
        ("tweets", TWEET | {"author": "8"}, "its author is not in users"),
        ("tweets", TWEET | {"text": "x" * 281}, "its text is longer than 280 code points"),
        ("tweets", TWEET | {"text": "a\0b"}, "its text holds a NUL"),
        (
            "tweets",
            TWEET | {"created_at": dt.datetime(1970, 1, 1, tzinfo=dt.UTC)},
            "created_at is before the ids' epoch, 2010-11-04",
        ),
        ("tweets", TWEET | {"created_at": at(40 * 86_400)}, "created_at is in the future"),
        ("follows", {"follower": "nobody", "followee": "9", "at": at(1)}, "its follower is not in users"),
        ("follows", {"follower": "7", "followee": "8", "at": at(1)}, "its followee is not in users"),
        ("impressions", IMPRESSION | {"viewer": "9"}, "its viewer is not in users"),
        ("impressions", IMPRESSION | {"tweet": "t0"}, "its tweet is not in tweets"),
        ("impressions", IMPRESSION | {"position": -1}, "its position is negative"),
        ("impressions", IMPRESSION | {"seen": None}, "seen is null"),
        (
            "impressions",
            IMPRESSION | {"request": "r1"},
            "an earlier row has the same request, viewer, tweet and says something else",
        ),
        ("engagements", DWELL, "a dwell needs a value in milliseconds, 0 or more"),
        ("engagements", DWELL | {"value": -5}, "a dwell needs a value in milliseconds, 0 or more"),
        ("engagements", DWELL | {"type": None, "value": 1}, "type is null"),
    ],
)
def test_a_bad_row_in_the_middle_is_named_and_counted(name: str, row: dict[str, Any], reason: str) -> None:
    rows = rows_of_a_small_world()
    inspection = inspect(with_rows(name, row))
    (refusal,) = inspection.refusals
    assert (refusal.table, refusal.reason, refusal.rows) == (name, reason, 1)
    assert refusal.examples[0].startswith("row ")
    assert inspection.tables[name].height == len(rows[name])


def test_an_example_says_where_the_row_is() -> None:
    inspection = inspect(with_rows("follows", {"follower": "7", "followee": "nobody", "at": at(1)}))
    assert inspection.refusals[0].examples == [
        "row 2: follower='7', followee='nobody', at='2022-05-01 00:00:01+00:00'"
    ]


def test_what_hangs_on_a_refused_row_is_refused_with_it() -> None:
    rows = rows_of_a_small_world()
    rows["users"] = [row for row in rows["users"] if row["user"] != "8"]
    inspection = inspect(rows)
    assert [(r.table, r.reason, r.rows) for r in inspection.refusals] == [
        ("impressions", "its viewer is not in users", 1),
        ("engagements", "its viewer is not in users", 3),
    ]


def test_a_retweet_of_an_unknown_tweet_is_refused() -> None:
    inspection = inspect(with_rows("tweets", TWEET | {"retweet_of": "gone"}))
    (refusal,) = inspection.refusals
    assert (refusal.reason, refusal.column, refusal.row_numbers) == (
        "it retweets a tweet that is not in tweets",
        "retweet_of",
        [2],
    )


def test_a_reply_to_an_unknown_tweet_comes_in_without_its_reference() -> None:
    inspection = inspect(with_rows("tweets", TWEET | {"reply_to": "gone", "retweet_of": "t1"}))
    assert inspection.references_dropped == 1
    by_id = {row["tweet"]: row for row in inspection.tables["tweets"].to_dicts()}
    assert (by_id["t9"]["reply_to"], by_id["t9"]["retweet_of"]) == (None, "t1")
    assert by_id["t3"]["reply_to"] == "t1"


def test_in_one_namespace_roles_do_not_matter() -> None:
    rows = rows_of_a_small_world()
    rows["users"] = [{"user": name, "created_at": at(0)} for name in "789"]
    rows["follows"].append({"follower": "7", "followee": "7", "at": at(1)})
    one = msgspec.structs.replace(META.namespaces, authors=META.namespaces.viewers)
    inspection = inspect(rows, msgspec.structs.replace(META, namespaces=one))
    assert [(r.table, r.reason) for r in inspection.refusals] == [("follows", "nobody follows themselves")]
    assert inspection.tables["users"].get_column("role").unique().to_list() == ["viewer"]


def test_a_table_of_which_nothing_is_left_stops_the_import() -> None:
    rows = rows_of_a_small_world()
    rows["tweets"] = [row | {"author": "a" + row["author"]} for row in rows["tweets"]]
    with pytest.raises(ConfigurationError, match=r"not one row of tweets.*3 rows refused, its author is not"):
        inspect(rows)


def test_empty_tables_are_fine() -> None:
    inspection = inspect(rows_of_a_small_world() | {"follows": [], "impressions": [], "engagements": []})
    assert inspection.refusals == []
