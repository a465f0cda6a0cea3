"""Impressions: what was seen, with what was known when it was served, and what came of it.

`impressions` is for notebooks and for training alike; both see the same rows, features and labels.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from core.errors import ConfigurationError, Corrupt
from features.schema import FEATURES
from ranking.bundle import format_time
from stores.lake import LakeReader
from training.labels import KEY, LABELS, Head, first_views, known_until_ms, label, label_times
from training.served_items import SURFACE, WITH_FEATURES

_SERVED = ("algorithm", "rung", "reason", "policy", "model", "objective", "source", "score", "propensity")


def impressions(
    reader: LakeReader,
    *,
    from_ms: int | None = None,
    to_ms: int | None = None,
    windows_s: Mapping[Head, float] | None = None,
) -> pl.LazyFrame:
    """One row per impression, by the time of its first `seen`, with from_ms <= time < to_ms (UTC).

    An impression is a (viewer, request, tweet) that was seen; what was served and not seen is none,
    and so no negative. Columns:

    - `seen_ms`, `event_id`, `viewer`, `request_id` (hex), `tweet`, `author`, `position`, `surface`;
    - `served_ms`, `algorithm`, `rung`, `reason`, `policy`, `model`, `objective`, `source`, `score`,
      `propensity`: of the served record, null where there is none, as for an import (`source` is "");
    - `moment_ms`: what its features are to be known at: when it was served, else when it was seen;
    - `as_served`, and every model input by its name, float32, as it was served: NaN is missing, null
      was not served under today's schema (chronological pages, imports, older models);
    - every head of `LABELS`: true, false, or null as long as it is not known. `windows_s` replaces
      windows. No label looks past `to_ms`, nor past what the lake is complete for.

    Nothing is read before the frame is collected. Raises Unavailable or Corrupt for a file that is
    gone or was cut.
    """
    seen = (
        first_views(reader, ["seen"], from_ms, to_ms)
        .rename({"ts_ms": "seen_ms"})
        .select("seen_ms", "event_id", *KEY, "author", "position", "surface")
    )
    found = seen.join(_served(reader, to_ms), on=KEY, how="left").with_columns(
        surface=pl.coalesce("served_on", "surface", pl.lit("")),
        source=pl.col("source").fill_null(""),
        moment_ms=pl.min_horizontal("now_ms", "seen_ms"),
        shown_ms=pl.min_horizontal("served_ms", "seen_ms"),
    )
    windows = {head: one.window_s for head, one in LABELS.items()} | dict(windows_s or {})
    labels = [label(reader, head, window_s, to_ms) for head, window_s in windows.items()]
    features = [pl.col("_features").arr.get(i).alias(name) for i, name in enumerate(FEATURES)]
    return (
        found.join(label_times(reader, found.select(*KEY, "shown_ms"), from_ms, to_ms), on=KEY, how="left")
        .sort("seen_ms", "event_id")
        .select(
            "seen_ms",
            "event_id",
            *KEY,
            "author",
            "position",
            "surface",
            "served_ms",
            *_SERVED,
            "moment_ms",
            pl.col("_features").is_not_null().alias("as_served"),
            *features,
            *labels,
        )
    )


def labelled_impressions(
    reader: LakeReader,
    *,
    from_ms: int | None,
    to_ms: int | None,
    windows_s: Mapping[Head, float],
) -> pl.DataFrame:
    """The impressions of a range of which at least one label is known, `impressions` as they are.

    Raises ConfigurationError where there is none, Corrupt where a file of the lake is damaged.
    """
    frame = impressions(reader, from_ms=from_ms, to_ms=to_ms, windows_s=windows_s)
    try:
        known = frame.filter(pl.any_horizontal(pl.col(head).is_not_null() for head in LABELS)).collect()
    except pl.exceptions.ComputeError as exc:
        raise Corrupt(f"the lake of snapshot {reader.snapshot} cannot be read: {exc}") from exc
    if known.is_empty():
        raise ConfigurationError(_why_none(reader, from_ms, to_ms, windows_s))
    return known


def _served(reader: LakeReader, to_ms: int | None) -> pl.LazyFrame:
    """The first record of each item, and its features where they are those of today's schema."""
    row = pl.Array(pl.Float32(), len(FEATURES))
    return (
        reader.scan("served", to_ms=to_ms)
        .sort("ts_ms", "event_id", "position")
        .unique(KEY, keep="first", maintain_order=True)
        .select(
            *KEY,
            *_SERVED,
            "now_ms",
            pl.col("ts_ms").alias("served_ms"),
            pl.when(WITH_FEATURES)
            .then("features")
            .bin.reinterpret(dtype=row, endianness="little")
            .alias("_features"),
            SURFACE.alias("served_on"),
        )
    )


def _why_none(
    reader: LakeReader, from_ms: int | None, to_ms: int | None, windows_s: Mapping[Head, float]
) -> str:
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
    known_ms = known_until_ms(reader, "click", None)
    window_s = windows_s.get("click", LABELS["click"].window_s)
    asked = (
        f"from {'the start' if from_ms is None else format_time(from_ms)} "
        f"until {'the end' if to_ms is None else format_time(to_ms)}"
    )
    return (
        f"no impression {asked} has a label yet: those in the lake were seen from {format_time(first_ms)} to "
        f"{format_time(last_ms)}, it is complete until {format_time(known_ms)}, and a "
        f"click counts for {window_s:g} s. Choose another range, wait until the window has passed, or "
        "shorten it (--window)."
    )
