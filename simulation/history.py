"""The past of a world as tables of the interchange format: what another product would have exported.

Nothing in them tells a truth: no interests, no quality, no chances.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulation.draws import exponential
from simulation.past import Looks, Past
from simulation.tweets import Tweets
from simulation.world import author_name, viewer_name

Ints = NDArray[np.int64]

PEOPLE, TWEETS = "simulation/people", "simulation/tweets"
"""The namespaces of their ids."""
ASSUMPTIONS = (
    "Simulated people with known utilities: docs/simulation.md says what is assumed of them.",
    "Feeds were in time order, but for 15 % of the sessions, whose newest 200 came in a random order.",
    "A tweet that was looked at once is scrolled past ever after, and has no second impression.",
)
_NO_VALUE = pl.Series([None], dtype=pl.Int64)
_DAY_MS = 86_400_000
_REPLY_MS, _RETWEET_MS, _LIKE_MS, _HIDE_MS, _CLICK_MS = 9_000, 5_000, 4_000, 3_000, 1_200


class Part(NamedTuple):
    """Some rows of a table; a table comes in one part or several."""

    table: str
    frame: pl.DataFrame


def tweet_name(key: int) -> str:
    """A tweet's id in the interchange format."""
    return f"t{key}"


def history(past: Past) -> Iterator[Part]:
    """All tables, some of them in many parts: users, follows, tweets, impressions, engagements."""
    world = past.world
    viewers = [viewer_name(one) for one in range(len(world.viewers))]
    authors = [author_name(one) for one in range(len(world.authors))]
    names = np.array([*viewers, *authors], dtype=object)
    age_days = 30.0 + 400.0 * exponential(world.seed, "joined", np.arange(len(names)))
    # Before the oldest follow of anybody.
    joined_ms = past.from_ms - 4 * 365 * _DAY_MS - (age_days * _DAY_MS).astype(np.int64)
    yield Part("users", pl.DataFrame({"user": names, "handle": names, "created_at": _times(joined_ms)}))
    follows = world.follows
    yield Part(
        "follows",
        pl.DataFrame(
            {
                "follower": _names("viewer_", follows.followers),
                "followee": _names("author_", follows.authors),
                "at": _times(past.followed_ms),
            }
        ),
    )
    yield Part("tweets", _written(past.tweets, world.seed))
    for looks in past.looks():
        yield from _activity(past, looks)


def _written(tweets: Tweets, seed: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "tweet": _names("t", tweets.keys),
            "author": _names("author_", tweets.authors),
            "created_at": _times(tweets.at_ms),
            "text": tweets.texts(seed),
            "reply_to": pl.repeat(None, len(tweets), dtype=pl.String(), eager=True),
            "retweet_of": pl.repeat(None, len(tweets), dtype=pl.String(), eager=True),
        }
    )


def _activity(past: Past, looks: Looks) -> Iterator[Part]:
    """What a block of viewers saw and did, and what they wrote about it."""
    seed, tweets = past.world.seed, past.tweets.take(looks.tweets)
    deeds = past.world.taste.deeds(looks.viewers, tweets, looks.at_ms, looks.sessions)
    keys = _names("t", tweets.keys)
    viewers = _names("viewer_", looks.viewers)
    requests = viewers + "/" + pl.Series(looks.sessions).cast(pl.String)
    seen = pl.DataFrame(
        {
            "request": requests,
            "viewer": viewers,
            "tweet": keys,
            "at": _times(looks.at_ms),
            "position": looks.positions,
            "surface": pl.repeat("home", len(looks), dtype=pl.String(), eager=True),
            "seen": np.ones(len(looks), np.bool_),
        }
    )
    yield Part("impressions", seen)
    done = [
        _done(seen, kind, happened, looks.at_ms + after_ms, value, past.until_ms)
        for kind, happened, after_ms, value in (
            ("click", deeds.click, _CLICK_MS, None),
            ("dwell", deeds.click, _CLICK_MS + deeds.dwell_ms, deeds.dwell_ms),
            ("like", deeds.like, _LIKE_MS, None),
            ("hide", deeds.hide, _HIDE_MS, None),
        )
    ]
    yield Part("engagements", pl.concat(done))
    said = [
        _said(seen, seed, kind, happened, looks.at_ms + after_ms, past.until_ms)
        for kind, happened, after_ms in (
            ("reply_to", deeds.reply, _REPLY_MS),
            ("retweet_of", deeds.retweet, _RETWEET_MS),
        )
    ]
    yield Part("tweets", pl.concat(said))


def _done(
    seen: pl.DataFrame,
    kind: str,
    happened: NDArray[np.bool_],
    at_ms: Ints,
    value: Ints | None,
    until_ms: int,
) -> pl.DataFrame:
    """What was done before the past ends, as engagements."""
    rows = np.flatnonzero(happened & (at_ms < until_ms))
    of = seen[rows]
    values = _NO_VALUE.new_from_index(0, len(rows)) if value is None else pl.Series(value[rows])
    return pl.DataFrame(
        {
            "viewer": of["viewer"],
            "tweet": of["tweet"],
            "type": pl.repeat(kind, len(rows), dtype=pl.String(), eager=True),
            "at": _times(at_ms[rows]),
            "value": values
            if value is not None
            else pl.repeat(None, len(rows), dtype=pl.Int64(), eager=True),
            "request": of["request"],
        }
    )


def _said(
    seen: pl.DataFrame, seed: int, kind: str, happened: NDArray[np.bool_], at_ms: Ints, until_ms: int
) -> pl.DataFrame:
    """Replies or retweets, as tweets of the viewers who wrote them."""
    rows = np.flatnonzero(happened & (at_ms < until_ms))
    of = seen[rows]
    nothing = pl.repeat(None, len(rows), dtype=pl.String(), eager=True)
    is_reply = kind == "reply_to"
    text = pl.repeat("So it is" if is_reply else None, len(rows), dtype=pl.String(), eager=True)
    return pl.DataFrame(
        {
            "tweet": kind[:3] + "-" + of["viewer"] + "-" + of["tweet"],
            "author": of["viewer"],
            "created_at": _times(at_ms[rows]),
            "text": text,
            "reply_to": of["tweet"] if is_reply else nothing,
            "retweet_of": nothing if is_reply else of["tweet"],
        }
    )


def _names(prefix: str, numbers: Ints) -> pl.Series:
    return prefix + pl.Series(numbers).cast(pl.String)


def _times(at_ms: Ints) -> pl.Series:
    return pl.Series(at_ms * 1_000).cast(pl.Datetime("us", "UTC"))
