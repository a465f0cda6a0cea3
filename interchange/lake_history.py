"""What viewers were shown and did, who follows whom, and what was written: out of the lake, once each.

Lazy frames with our ids as int64 and moments in UTC milliseconds; whatever the log said twice is there
once, as where it is counted.
"""

from __future__ import annotations

import polars as pl

from features.moments import HOME
from stores.lake import LakeReader

_REFERENCES = ("reply_to", "retweet_of")
_KEY = ["viewer", "request_id", "tweet"]


class LakeHistory:
    """One snapshot of the lake as history."""

    def __init__(self, reader: LakeReader) -> None:
        self._reader = reader

    def tweets(self) -> pl.LazyFrame:
        """tweet, author, at_ms, reply_to, retweet_of (null: none) and media_kind (null: none)."""
        written = self._reader.scan("tweets").unique("tweet", keep="first")
        known = (pl.when(pl.col(name) > 0).then(pl.col(name)).alias(name) for name in _REFERENCES)
        return written.select(
            "tweet", "author", pl.col("created_ms").alias("at_ms"), *known, _said("media_kind")
        )

    def follows(self) -> pl.LazyFrame:
        """follower, followee, at_ms: those that stand, since they were last begun."""
        newest = self._reader.scan("follows").sort("ver").unique(["follower", "followee"], keep="last")
        return newest.filter("on").select("follower", "followee", pl.col("ts_ms").alias("at_ms"))

    def impressions(self) -> pl.LazyFrame:
        """request_id, viewer, tweet, at_ms (of the look, else of the serving), position, surface, seen."""
        served = self._first("served", []).select(
            *_KEY, "ts_ms", "position", pl.col("surface").fill_null(HOME).alias("surface")
        )
        seen = self._of_kind("seen").select(*_KEY, "ts_ms", "position", _said("surface"))
        both = served.join(seen, _KEY, "full", coalesce=True, suffix="_seen")
        position = pl.coalesce("position", "position_seen")
        return both.select(
            *_KEY,
            pl.coalesce("ts_ms_seen", "ts_ms").alias("at_ms"),
            pl.when(position >= 0).then(position).alias("position"),
            pl.coalesce("surface", "surface_seen").alias("surface"),
            pl.col("ts_ms_seen").is_not_null().alias("seen"),
        )

    def engagements(self) -> pl.LazyFrame:
        """viewer, tweet, type, at_ms, value (of a dwell), request_id (null for likes, which stand)."""
        done = self._first("views", ["kind"]).filter(pl.col("kind") != "seen")
        is_dwell = pl.col("kind") == "dwell"
        likes = (
            self._reader.scan("edges")
            .filter(pl.col("kind").fill_null("like") == "like")
            .sort("ver")
            .unique(["user", "tweet"], keep="last")
            .filter("on")
        )
        return pl.concat(
            [
                done.select(
                    "viewer",
                    "tweet",
                    pl.col("kind").alias("type"),
                    pl.col("ts_ms").alias("at_ms"),
                    pl.when(is_dwell).then("value_ms").alias("value"),
                    "request_id",
                ),
                likes.select(
                    pl.col("user").alias("viewer"),
                    "tweet",
                    pl.lit("like").alias("type"),
                    pl.col("ts_ms").alias("at_ms"),
                    pl.lit(None, pl.Int64()).alias("value"),
                    pl.lit(None, pl.String()).alias("request_id"),
                ),
            ]
        )

    def people(self) -> pl.DataFrame:
        """user and at_ms: everybody that any of this is of, and when they were first met."""
        met = [
            self._met(table, *columns)
            for table, columns in (
                ("served", ("viewer",)),
                ("views", ("viewer",)),
                ("edges", ("user",)),
                ("follows", ("follower", "followee")),
                ("tweets", ("author",)),
            )
        ]
        return pl.concat(met).group_by("user").agg(pl.col("at_ms").min()).collect()

    def complete_until_ms(self) -> int:
        """Up to when everything that was published is here; of an import's, as its source declared."""
        imported_ms = self._reader.imported_until_ms()
        if imported_ms is not None:
            return imported_ms
        at_ms = self._reader.scan("views").select(pl.col("ts_ms").max()).collect().item()
        if at_ms is None:
            return max(self._reader.complete_until_ms(table) for table in ("views", "served", "tweets"))
        return max(int(at_ms), self._reader.complete_until_ms("views"))

    def _of_kind(self, kind: str) -> pl.LazyFrame:
        of_kind = self._reader.scan("views").filter(pl.col("kind") == kind)
        return of_kind.sort("ts_ms", "event_id").unique(_KEY, keep="first", maintain_order=True)

    def _first(self, table: str, also: list[str]) -> pl.LazyFrame:
        rows = self._reader.scan(table).sort("ts_ms", "event_id")
        return rows.unique([*_KEY, *also], keep="first", maintain_order=True)

    def _met(self, table: str, *columns: str) -> pl.LazyFrame:
        rows = self._reader.scan(table)
        each = [rows.select(pl.col(name).alias("user"), pl.col("ts_ms").alias("at_ms")) for name in columns]
        return pl.concat(each).filter(pl.col("user") > 0)


def _said(name: str) -> pl.Expr:
    return pl.when(pl.col(name) != "").then(pl.col(name)).alias(name)
