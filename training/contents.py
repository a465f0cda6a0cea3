"""What a lake holds, counted: for whoever asks how much a report rests on, and what it cannot rest on."""

from __future__ import annotations

import msgspec
import polars as pl

from core.errors import ConfigurationError
from ranking.bundle import format_time
from stores.lake import LakeReader
from stores.lake_imports import IMPORTED
from training.labels import KEY

_DAY_MS = 86_400_000


class Contents(msgspec.Struct, frozen=True):
    """Counts are of what is there once; `did` is by kind of engagement.

    `from_at` and `to_at` are the first and last impression, RFC 3339, UTC. Shares, 0 to 1, are of the
    impressions: `imported`, with a known place (`placed`), with a known chance of having been shown
    (`randomised`); `same_hour` is of the tweets, written at the commonest time of day. `declared` says
    whether every import declared how far it is complete.
    """

    viewers: int
    authors: int
    tweets: int
    follows: int
    impressions: int
    did: dict[str, int]
    from_at: str
    to_at: str
    imported: float
    placed: float
    randomised: float
    same_hour: float
    declared: bool


def contents(reader: LakeReader) -> Contents:
    """Raises ConfigurationError where there is no impression."""
    views = reader.scan("views").unique([*KEY, "kind"], keep="any")
    seen = (
        views.filter(pl.col("kind") == "seen")
        .select(
            pl.len().alias("rows"),
            pl.col("viewer").n_unique().alias("viewers"),
            pl.col("ts_ms").min().alias("first_ms"),
            pl.col("ts_ms").max().alias("last_ms"),
            IMPORTED.mean().alias("imported"),
            (pl.col("position") >= 0).mean().alias("placed"),
        )
        .collect()
        .row(0, named=True)
    )
    if not seen["rows"]:
        raise ConfigurationError(
            "the lake holds no impression: nobody was shown anything, so nothing can be said of an order. "
            "Import a history with impressions (`rankfeed import DIRECTORY`), or let viewers read feeds and "
            "report what they see (POST /v1/events)."
        )
    did = views.filter(pl.col("kind") != "seen").group_by("kind").len().collect().rows()
    edges = (
        reader.scan("edges").filter(pl.col("on")).select(pl.col("kind").fill_null("like"), "user", "tweet")
    )
    made = edges.unique().group_by("kind").len().collect().rows()
    tweets = reader.scan("tweets").unique("tweet", keep="any")
    authors, written, commonest = (
        tweets.select(
            pl.col("author").n_unique(),
            pl.len(),
            (pl.col("created_ms") % _DAY_MS).value_counts(sort=True).struct.field("count").first().alias("c"),
        )
        .collect()
        .row(0)
    )
    follows = reader.scan("follows").filter(pl.col("on")).select("follower", "followee").unique()
    chances = (
        reader.scan("served").filter(pl.col("propensity").is_not_null()).select(pl.len()).collect().item()
    )
    return Contents(
        viewers=seen["viewers"],
        authors=authors,
        tweets=written,
        follows=follows.filter(pl.col("follower") != pl.col("followee")).select(pl.len()).collect().item(),
        impressions=seen["rows"],
        did=dict(sorted([*did, *made], key=lambda one: -one[1])),
        from_at=format_time(seen["first_ms"]),
        to_at=format_time(seen["last_ms"]),
        imported=float(seen["imported"]),
        placed=float(seen["placed"]),
        randomised=min(1.0, chances / seen["rows"]),
        same_hour=(commonest or 0) / max(1, written),
        declared=bool(reader.declared_ms) or not seen["imported"],
    )


def last_fifth_ms(reader: LakeReader) -> int:
    """When four fifths of the impressions had been seen, on a full hour, UTC: a good end for training."""
    seen = reader.scan("views").filter(pl.col("kind") == "seen")
    moment_ms = seen.select(pl.col("ts_ms").quantile(0.8, "nearest")).collect().item()
    return int(moment_ms) // 3_600_000 * 3_600_000
