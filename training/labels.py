"""Impressions and their labels: what was seen, and whether it was clicked in time."""

from __future__ import annotations

import polars as pl

from core.errors import ConfigurationError
from features.moments import HOME
from features.schema import FEATURES, SCHEMA_HASH
from ranking.bundle import format_time
from stores.lake import LakeReader

_KEY = ["viewer", "request_id", "tweet"]
_FLOAT32_BYTES = 4


def click_impressions(
    reader: LakeReader, *, from_ms: int | None, to_ms: int | None, window_s: float
) -> pl.DataFrame:
    """One row per impression, by time of its first `seen`, with from_ms <= time and time + window <= to_ms.

    An impression is a (viewer, request, tweet) that was seen: what was served and not seen is no
    negative. It counts once its window has passed, measured against how far the lake is complete
    and against `to_ms`: no label looks past the end of the range.

    Columns: `ts_ms`, `event_id`, `viewer`, `request_id`, `tweet`, `author`, `clicked` (a click of
    the same key within the window), `moment_ms` (when the request was served where that is known,
    else `ts_ms`), `surface` and `source` ("" where unknown) and `features` (as served, under today's
    schema; else null). Sorted by (ts_ms, event_id). Raises ConfigurationError where there is none.
    """
    window_ms = round(window_s * 1000)
    complete_ms = reader.complete_until_ms("views")
    end_ms = complete_ms if to_ms is None else min(to_ms, complete_ms)
    seen = _first(reader, "seen", from_ms, end_ms).filter(pl.col("ts_ms") + window_ms <= end_ms)
    clicks = _first(reader, "click", from_ms, end_ms).select(*_KEY, pl.col("ts_ms").alias("clicked_ms"))
    served = (
        reader.scan("served", to_ms=end_ms)
        .sort("ts_ms", "event_id", "position")
        .unique(_KEY, keep="first", maintain_order=True)
        .select(
            *_KEY,
            "now_ms",
            "schema_hash",
            "source",
            pl.col("features").alias("as_served"),
            # There was one surface before it was written down.
            pl.col("surface").fill_null(HOME).alias("served_on"),
        )
    )
    usable = (pl.col("schema_hash") == SCHEMA_HASH) & (
        pl.col("as_served").bin.size() == _FLOAT32_BYTES * len(FEATURES)
    )
    frame = (
        seen.select("ts_ms", "event_id", *_KEY, "author", "surface")
        .join(clicks, on=_KEY, how="left")
        .join(served, on=_KEY, how="left")
        .with_columns(
            # A click may reach the log before its `seen`, which comes in the same batch.
            clicked=(pl.col("clicked_ms") <= pl.col("ts_ms") + window_ms).fill_null(value=False),
            moment_ms=pl.min_horizontal("now_ms", "ts_ms"),
            features=pl.when(usable).then("as_served"),
            surface=pl.coalesce("served_on", "surface", pl.lit("")),
            source=pl.col("source").fill_null(""),
        )
        .drop("clicked_ms", "now_ms", "as_served", "schema_hash", "served_on")
        .sort("ts_ms", "event_id")
        .collect()
    )
    if frame.is_empty():
        raise ConfigurationError(_why_none(reader, from_ms, to_ms, window_s))
    return frame


def _first(reader: LakeReader, kind: str, from_ms: int | None, to_ms: int) -> pl.LazyFrame:
    """The first event of the kind for each (viewer, request, tweet): clients and logs repeat themselves."""
    return (
        reader.scan("views", from_ms=from_ms, to_ms=to_ms)
        .filter(pl.col("kind") == kind)
        .sort("ts_ms", "event_id")
        .unique(_KEY, keep="first", maintain_order=True)
    )


def _why_none(reader: LakeReader, from_ms: int | None, to_ms: int | None, window_s: float) -> str:
    known = (
        reader.scan("views")
        .filter(pl.col("kind") == "seen")
        .select(pl.col("ts_ms").min().alias("first"), pl.col("ts_ms").max().alias("last"))
    )
    first_ms, last_ms = known.collect().row(0)
    if first_ms is None:
        return (
            "the lake holds no impression yet. Let viewers read feeds and report what they see "
            "(POST /v1/events), or import data with `rankfeed import`, then try again."
        )
    complete_ms = reader.complete_until_ms("views")
    asked = (
        f"from {'the start' if from_ms is None else format_time(from_ms)} "
        f"until {'the end' if to_ms is None else format_time(to_ms)}"
    )
    return (
        f"no impression {asked} has a label yet: those in the lake were seen from {format_time(first_ms)} to "
        f"{format_time(last_ms)}, it is complete until {format_time(complete_ms)}, and a click counts for "
        f"{window_s:g} s. Choose another range, wait until the window has passed, or shorten it (--window)."
    )
