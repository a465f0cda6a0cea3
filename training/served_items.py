"""Served items with the features they were scored with, out of the lake."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from features.moments import HOME, Moments, codes
from features.schema import FEATURES, SCHEMA_HASH, VIEWS
from stores.lake import LakeReader

_FLOAT32_BYTES = 4

WITH_FEATURES = (pl.col("schema_hash") == SCHEMA_HASH) & (
    pl.col("features").bin.size() == _FLOAT32_BYTES * len(FEATURES)
)
"""Of the table `served`: items that were scored under today's schema; null for some that were not."""
SURFACE = pl.col("surface").fill_null(HOME)
"""Of the table `served`: there was one surface before it was written down."""


@dataclass(frozen=True, slots=True)
class ServedItems:
    """Some of the items that were scored under today's schema.

    `frame`: `item` (0, 1, …), `ts_ms`, `now_ms` (what features were computed for), `request_id`,
    `viewer`, `tweet`, `author`, `everything` (0), `source`, `surface`, `features` (float32 bytes), and
    for each view `<view>.seq` and `<view>.schema_id` of the row that was read, 0 where there was none.
    `scored` counts all of the range, `older` those of another schema, which are not among them.
    """

    frame: pl.DataFrame
    scored: int
    older: int

    def moments(self) -> Moments:
        """What was ranked, for whom, when and where, beside the rows."""
        ids = (self.frame[name].to_numpy() for name in ("viewer", "author", "tweet", "now_ms"))
        said = (codes(self.frame[name].to_list()) for name in ("surface", "source"))
        return Moments(*ids, *said)


def served_items(
    reader: LakeReader, *, from_ms: int | None, to_ms: int | None, most: int, seed: int
) -> ServedItems:
    """At most `most` items served with from_ms <= time < to_ms, drawn evenly from all of them."""
    scored = reader.scan("served", from_ms=from_ms, to_ms=to_ms).filter(
        pl.col("features").bin.size().fill_null(0) > 0
    )
    ours = scored.filter(WITH_FEATURES.fill_null(value=False))
    total, count = (one.select(pl.len()).collect().item() for one in (scored, ours))
    drawn = np.sort(np.random.default_rng(seed).choice(count, min(most, count), replace=False))
    frame = (
        ours.with_row_index("at")
        .filter(pl.col("at").is_in(pl.Series(drawn, dtype=pl.UInt32).implode()))
        .select(
            "ts_ms",
            "now_ms",
            "request_id",
            "viewer",
            "tweet",
            "author",
            pl.lit(0, pl.Int64()).alias("everything"),
            pl.col("source").fill_null(""),
            SURFACE,
            "features",
            *(_version(view, part) for view in VIEWS for part in ("seq", "schema_id")),
        )
        .collect()
    )
    return ServedItems(frame.with_row_index("item"), total, total - count)


def _version(view: str, part: str) -> pl.Expr:
    """What the served record says of the view's row."""
    of_view = pl.element().filter(pl.element().struct.field("view") == view).struct.field(part)
    return pl.col("rows").list.eval(of_view).list.first().fill_null(0).alias(f"{view}.{part}")
