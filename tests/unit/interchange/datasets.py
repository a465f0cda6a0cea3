"""Tiny datasets, made here: one in the interchange format, one in the shape of KuaiRand's files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from interchange.schema import TABLES, Meta, Namespaces, conform, write_meta, write_table

START = dt.datetime(2022, 5, 1, tzinfo=dt.UTC)
START_MS = int(START.timestamp() * 1000)
NOW_MS = START_MS + 30 * 86_400_000
META = Meta("a small world", START + dt.timedelta(days=7), Namespaces("w/user", "w/author", "w/item"))

Rows = Sequence[Mapping[str, Any]]


def at(seconds: float) -> dt.datetime:
    return START + dt.timedelta(seconds=seconds)


def rows_of_a_small_world() -> dict[str, list[dict[str, Any]]]:
    """Two viewers and two authors who share the id "7", three tweets, three impressions, six engagements."""
    return {
        "users": [
            {"user": "7", "role": "viewer", "handle": "ann", "created_at": at(0)},
            {"user": "8", "role": None, "handle": None, "created_at": at(0)},
            {"user": "7", "role": "author", "handle": "bob", "created_at": at(0)},
            {"user": "9", "role": "author", "handle": "not allowed!", "created_at": at(1)},
        ],
        "follows": [{"follower": "7", "followee": "9", "at": at(2)}],
        "tweets": [
            {"tweet": "t1", "author": "7", "created_at": at(3), "text": "hello"},
            {"tweet": "t2", "author": "9", "created_at": at(4), "media_kind": "video", "duration_ms": 12_400},
            {"tweet": "t3", "author": "9", "created_at": at(5), "text": "yes", "reply_to": "t1"},
        ],
        "impressions": [
            {"request": "r1", "viewer": "7", "tweet": "t1", "at": at(10), "position": 0, "seen": True},
            {"request": "r1", "viewer": "7", "tweet": "t2", "at": at(10), "position": 1, "seen": True},
            {"request": "r2", "viewer": "8", "tweet": "t2", "at": at(20), "position": None, "seen": True},
        ],
        "engagements": [
            {"viewer": "7", "tweet": "t2", "type": "click", "at": at(10), "request": "r1"},
            {"viewer": "7", "tweet": "t2", "type": "dwell", "at": at(15), "request": "r1", "value": 5_000},
            {"viewer": "7", "tweet": "t2", "type": "like", "at": at(12), "request": "r1"},
            {"viewer": "8", "tweet": "t2", "type": "click", "at": at(25)},
            {"viewer": "8", "tweet": "t1", "type": "hide", "at": at(26)},
            {"viewer": "8", "tweet": "t1", "type": "comment", "at": at(27)},
        ],
    }


def table(name: str, rows: Rows) -> pl.DataFrame:
    """Rows as a table of the format; members that a row lacks are null."""
    schema = conform(name, pl.DataFrame(schema=_schema(name)), name).schema
    return pl.DataFrame([[row.get(column) for column in schema] for row in rows], schema=schema, orient="row")


def write_dataset(directory: Path, rows: Mapping[str, Rows], meta: Meta = META) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    for name in TABLES:
        write_table(directory, name, table(name, rows[name]))
    write_meta(directory, meta)
    return directory


def impression(viewer: int, item: int, at_ms: int, **engaged: int) -> dict[str, int]:
    """One row of KuaiRand's impressions: author is the item times ten."""
    row = {"user_id": viewer, "video_id": item, "author_id": item * 10, "time_ms": at_ms, "tab": 1}
    row |= {"duration_ms": 9_000, "is_click": 0, "is_like": 0, "is_follow": 0, "is_comment": 0}
    row |= {"is_forward": 0, "is_hate": 0, "long_view": 0, "play_time_ms": 0, "is_profile_enter": 0}
    return row | engaged


def write_kuairand(
    directory: Path,
    files: Sequence[Sequence[Mapping[str, int]]],
    upload_days: Sequence[str] = ("2022-04-10",) * 3,
) -> Path:
    """Files of impressions beside viewers 1, 2, 10 and items 1 to 3, item 3 without a duration."""
    directory.mkdir(parents=True, exist_ok=True)
    for number, rows in enumerate(files):
        pl.DataFrame(rows).write_parquet(directory / f"impressions_{number}.parquet")
    pl.DataFrame({"user_id": [1, 2, 10], "register_days": [14, 100, 3_000]}).write_parquet(
        directory / "users.parquet"
    )
    pl.DataFrame(
        {
            "video_id": [1, 2, 3],
            "author_id": [10, 20, 30],
            "upload_dt": list(upload_days),
            "video_duration": [9_000.0, 12_000.4, None],
            "tag": ["1", "20,43", None],
        }
    ).write_parquet(directory / "videos.parquet")
    return directory


def _schema(name: str) -> dict[str, pl.DataType]:
    kinds = {"text": pl.String(), "texts": pl.List(pl.String()), "integer": pl.Int64(), "flag": pl.Boolean()}
    return {
        column.name: pl.Datetime("us", "UTC") if column.kind == "time" else kinds[column.kind]
        for column in TABLES[name]
    }
