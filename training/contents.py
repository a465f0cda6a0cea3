"""What a lake holds, counted: for whoever asks how much a report rests on, and what it cannot rest on."""

from __future__ import annotations

import msgspec
import polars as pl

from core.errors import ConfigurationError
from ranking.bundle import format_time
from stores.lake import LakeReader
from stores.lake_imports import IMPORTED, complete_for
from training.labels import KEY

_DAY_MS = 86_400_000
_STEPS_MS = (3_600_000, 60_000)


class Contents(msgspec.Struct, frozen=True):
    """Counts are of what is there once; `did` is by kind of engagement.

    `from_at` and `to_at` are the first and last impression, RFC 3339, UTC. Shares, 0 to 1, are of the
    impressions: `imported`, with a known place (`placed`), shown by a chance that is known and was one
    (`randomised`: a propensity between 0 and 1, neither of them); `same_hour` is of the tweets, written at
    the commonest time of day. `declared` says whether a source says of each imported impression that it is
    complete so far.
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
            (IMPORTED & complete_for(reader.declared_ms, pl.col("ts_ms")).is_null())
            .any()
            .alias("undeclared"),
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
    # What is ranked without a draw is recorded with a propensity of 1: nothing else could have been shown.
    drawn = reader.scan("served").filter((pl.col("propensity") > 0) & (pl.col("propensity") < 1)).select(KEY)
    by_chance = views.filter(pl.col("kind") == "seen").select(KEY).join(drawn, on=KEY, how="semi")
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
        randomised=by_chance.select(pl.len()).collect().item() / seen["rows"],
        same_hour=(commonest or 0) / max(1, written),
        declared=not seen["undeclared"],
    )


def last_fifth_ms(reader: LakeReader) -> int:
    """When four fifths of the impressions had been seen, UTC: a good end for training.

    On a full hour, where more than half of them are before it, else on a full minute, else as it is.
    """
    seen = pl.col("ts_ms").filter(pl.col("kind") == "seen")
    ends_ms = [seen.quantile(share, "nearest").alias(str(share)) for share in (0.5, 0.8)]
    half_ms, moment_ms = map(int, reader.scan("views").select(ends_ms).collect().row(0))
    on_time = (moment_ms // step_ms * step_ms for step_ms in _STEPS_MS)
    return next((end_ms for end_ms in on_time if end_ms > half_ms), moment_ms)
