"""Retweets as the product has them: of an original, and one of it by an author.

A source may let people retweet a retweet, reply to one, or like one. Here all of that is of the
original, as it is for what is written over HTTP.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

_MOST_STEPS = 64


class Roots(NamedTuple):
    """`tweets` with `retweet_of` and `reply_to` being originals, and two flags: `circular`, where there is
    no original, and `again`, where an earlier row is the author's retweet of the same. `roots`: columns
    `tweet` and `root`, of all retweets.
    """

    tweets: pl.DataFrame
    roots: pl.DataFrame


def resolve_retweets(tweets: pl.DataFrame) -> Roots:
    """References have to be known. A chain that is not at its original after 64 steps counts as circular."""
    direct = tweets.filter(pl.col("retweet_of").is_not_null()).select("tweet", root="retweet_of")
    roots = direct
    step = direct.rename({"tweet": "root", "root": "further"})
    for _ in range(_MOST_STEPS):
        roots = roots.join(step, "root", "left", maintain_order="left")
        if roots.get_column("further").null_count() == roots.height:
            roots = roots.drop("further")
            break
        roots = roots.with_columns(pl.coalesce("further", "root").alias("root")).drop("further")
    circular = roots.filter(pl.col("root").is_in(direct.get_column("tweet").implode())).get_column("tweet")
    roots = roots.filter(~pl.col("tweet").is_in(circular.implode()))
    resolved = tweets
    for name in ("retweet_of", "reply_to"):
        found = to_roots(resolved.get_column(name), roots)
        resolved = resolved.with_columns(found.alias(name))
    is_retweet = pl.col("retweet_of").is_not_null()
    return Roots(
        resolved.with_columns(
            circular=pl.col("tweet").is_in(circular.implode()),
            again=is_retweet & ~pl.struct("author", "retweet_of").is_first_distinct(),
        ),
        roots,
    )


def to_roots(tweets: pl.Series, roots: pl.DataFrame) -> pl.Series:
    """Each retweet replaced by its original; order and length stay."""
    found = pl.DataFrame({"tweet": tweets}).join(roots, "tweet", "left", maintain_order="left")
    return found.select(pl.coalesce("root", "tweet")).to_series()
