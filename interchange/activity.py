"""What viewers saw and did, over both tables, as one sequence in the order of time."""

from __future__ import annotations

import hashlib

import polars as pl

REQUEST_BYTES = 16
VIEW_KINDS = ("seen", "click", "dwell", "hide", "report")
"""Kinds that become `Viewed` events, in the order in which they happen within a millisecond."""
LIKE = "like"

_ORDER = (*VIEW_KINDS, LIKE)
_KEY = ["viewer", "tweet", "request"]


def merge_activity(
    impressions: pl.DataFrame, engagements: pl.DataFrame
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Merges impressions that were seen and the engagements that we have an event for.

    The rows rise by moment, then kind, viewer, tweet and request: the same data make the same
    order. Columns: `at_ms` (UTC), `kind` (seen, click, dwell, hide, report or like), `viewer`,
    `tweet` and `request` (the source's ids), `position` (-1 unknown), `value_ms`, `surface` ("" unknown).
    An engagement without a request has that of the viewer's last impression of the tweet before it,
    or, where there is none, a request of its own ("viewer/tweet"). The second result counts what has
    no event: engagements by type, and impressions that were not seen.
    """
    shown = impressions.filter(pl.col("seen"))
    not_imported = {}
    if shown.height < impressions.height:
        not_imported["impressions not seen"] = impressions.height - shown.height
    known = pl.col("type").is_in(_ORDER) & (pl.col("type") != "seen")
    others = engagements.filter(~known).group_by("type").len().sort("type")
    not_imported |= dict(others.iter_rows())
    seen = shown.select(
        pl.lit("seen").alias("kind"),
        "at",
        *_KEY,
        pl.col("position").fill_null(-1),
        pl.lit(0, pl.Int64).alias("value"),
        pl.col("surface").fill_null(""),
    )
    done = _with_requests(engagements.filter(known), shown)
    # A viewer engages with a tweet where it stood; the impression's place is the engagement's.
    places = shown.select(*_KEY, pl.col("position").fill_null(-1), pl.col("surface").fill_null(""))
    done = done.join(places, _KEY, "left", maintain_order="left").select(
        pl.col("type").alias("kind"),
        "at",
        *_KEY,
        pl.col("position").fill_null(-1),
        pl.when(pl.col("type") == "dwell").then(pl.col("value")).fill_null(0).alias("value"),
        pl.col("surface").fill_null(""),
    )
    merged = pl.concat([seen, done]).select(
        pl.col("at").dt.epoch("ms").alias("at_ms"),
        pl.col("kind").cast(pl.Enum(_ORDER)),
        *_KEY,
        "position",
        pl.col("value").alias("value_ms"),
        "surface",
    )
    return merged.sort("at_ms", "kind", *_KEY, "value_ms").with_columns(
        pl.col("kind").cast(pl.String)
    ), not_imported


def request_digests(namespace: str, requests: pl.Series) -> pl.DataFrame:
    """Columns `request` (distinct) and `request_id`: 16 bytes of BLAKE2b over namespace and request."""
    distinct = requests.unique()
    prefix = hashlib.blake2b(namespace.encode() + b"\0", digest_size=REQUEST_BYTES)
    digests = []
    for request in distinct:
        hasher = prefix.copy()
        hasher.update(request.encode())
        digests.append(hasher.digest())
    return pl.DataFrame({"request": distinct, "request_id": pl.Series(digests, dtype=pl.Binary)})


def _with_requests(engagements: pl.DataFrame, shown: pl.DataFrame) -> pl.DataFrame:
    lost = engagements.filter(pl.col("request").is_null()).drop("request").sort("at")
    if lost.is_empty():
        return engagements
    earlier = shown.select("viewer", "tweet", "at", "request").sort("at")
    found = lost.join_asof(earlier, on="at", by=["viewer", "tweet"], check_sortedness=False).with_columns(
        pl.col("request").fill_null(pl.format("{}/{}", "viewer", "tweet"))
    )
    return pl.concat([engagements.filter(pl.col("request").is_not_null()), found.select(engagements.columns)])
