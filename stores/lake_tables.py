"""The lake's tables: their columns, and the directory of an hour."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Literal

import polars as pl

HOUR_MS = 3_600_000

Table = Literal["served", "scored", "views", "edges", "tweets", "follows"]

# What the objective multiplied the score by (`diversity` after it, `seen` before it), the place in the slate
# by the score alone, and how many of the author stand above; null in rows of before they were recorded.
TERMS: Mapping[str, pl.DataType] = {
    "freshness": pl.Float64(),
    "source_factor": pl.Float64(),
    "diversity": pl.Float64(),
    "place_before": pl.Int64(),
    "author_rank": pl.Int64(),
    "seen": pl.Float64(),
}
_ROW = pl.Struct({"view": pl.String(), "schema_id": pl.Int64(), "seq": pl.Int64()})

SCHEMAS: Mapping[str, pl.Schema] = {
    # One row per item of a served page; heads, score, propensity and features as they were served.
    "served": pl.Schema(
        {
            "ts_ms": pl.Int64(),
            "event_id": pl.Int64(),
            "now_ms": pl.Int64(),
            "request_id": pl.String(),
            "viewer": pl.Int64(),
            "algorithm": pl.String(),
            "rung": pl.String(),
            "reason": pl.String(),
            "policy": pl.String(),
            "model": pl.String(),
            "objective": pl.String(),
            "schema_hash": pl.String(),
            "seed": pl.Int64(),
            "temperature": pl.Float64(),
            "tweet": pl.Int64(),
            "author": pl.Int64(),
            "position": pl.Int64(),
            "source": pl.String(),
            "heads": pl.List(pl.Float32()),
            "score": pl.Float64(),
            "propensity": pl.Float64(),
            "features": pl.Binary(),
            "rows": pl.List(_ROW),
            "surface": pl.String(),
            **TERMS,
        }
    ),
    # One row per candidate of a request in the sample, best first; `place` counts from 0.
    "scored": pl.Schema(
        {
            "ts_ms": pl.Int64(),
            "event_id": pl.Int64(),
            "now_ms": pl.Int64(),
            "request_id": pl.String(),
            "viewer": pl.Int64(),
            "policy": pl.String(),
            "model": pl.String(),
            "objective": pl.String(),
            "schema_hash": pl.String(),
            "slate": pl.String(),
            "tweet": pl.Int64(),
            "author": pl.Int64(),
            "place": pl.Int64(),
            "source": pl.String(),
            "heads": pl.List(pl.Float32()),
            "score": pl.Float64(),
            "features": pl.Binary(),
            "rows": pl.List(_ROW),
            **TERMS,
        }
    ),
    "views": pl.Schema(
        {
            "ts_ms": pl.Int64(),
            "event_id": pl.Int64(),
            "viewer": pl.Int64(),
            "request_id": pl.String(),
            "tweet": pl.Int64(),
            "author": pl.Int64(),
            "kind": pl.String(),
            "position": pl.Int64(),
            "value_ms": pl.Int64(),
            "surface": pl.String(),
        }
    ),
    # `kind` is like, retweet or reply, null for a like of before there were others; `item` the retweet or
    # reply, null for a like; `request_id` null where the edge was not made from a feed.
    "edges": pl.Schema(
        {
            "ts_ms": pl.Int64(),
            "event_id": pl.Int64(),
            "user": pl.Int64(),
            "tweet": pl.Int64(),
            "author": pl.Int64(),
            "on": pl.Boolean(),
            "ver": pl.Int64(),
            "kind": pl.String(),
            "item": pl.Int64(),
            "request_id": pl.String(),
        }
    ),
    "tweets": pl.Schema(
        {
            "ts_ms": pl.Int64(),
            "event_id": pl.Int64(),
            "tweet": pl.Int64(),
            "author": pl.Int64(),
            "created_ms": pl.Int64(),
            "text_len": pl.Int64(),
            # 0 is none, null not known: from before they were written down.
            "reply_to": pl.Int64(),
            "retweet_of": pl.Int64(),
            "media_kind": pl.String(),
        }
    ),
    "follows": pl.Schema(
        {
            "ts_ms": pl.Int64(),
            "event_id": pl.Int64(),
            "follower": pl.Int64(),
            "followee": pl.Int64(),
            "on": pl.Boolean(),
            "ver": pl.Int64(),
        }
    ),
}
"""Columns in order; `request_id` is hex, times are UTC milliseconds. Columns are only ever added."""


def partition_dir(table: str, hour: int) -> str:
    """The directory, below the root, of an hour (whole hours since the Unix epoch, UTC)."""
    day, of_day = divmod(hour, 24)
    return f"{table}/dt={date(1970, 1, 1) + timedelta(days=day)}/hour={of_day:02d}"
