"""The lake's tables: their columns, and the directory of an hour."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Literal

import polars as pl

HOUR_MS = 3_600_000

Table = Literal["served", "views", "edges", "tweets"]

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
        }
    ),
    "edges": pl.Schema(
        {
            "ts_ms": pl.Int64(),
            "event_id": pl.Int64(),
            "user": pl.Int64(),
            "tweet": pl.Int64(),
            "author": pl.Int64(),
            "on": pl.Boolean(),
            "ver": pl.Int64(),
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
        }
    ),
}
"""Columns in order; `request_id` is hex, times are UTC milliseconds. Columns are only ever added."""


def partition_dir(table: str, hour: int) -> str:
    """The directory, below the root, of an hour (whole hours since the Unix epoch, UTC)."""
    day, of_day = divmod(hour, 24)
    return f"{table}/dt={date(1970, 1, 1) + timedelta(days=day)}/hour={of_day:02d}"
