"""A dataset with our ids in place of the source's, ready to be written: nothing is looked up any more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from core.types import MAX_TEXT_CODE_POINTS
from interchange.activity import merge_activity, request_digests
from interchange.dataset import Dataset
from interchange.identities import Exists, Identities, allot, mapping_frame
from interchange.inspection import Inspection
from interchange.retweets import to_roots
from stores.ports import ControlStore, Ids, TweetStore, UserStore

_LOOK_UP = 1_000
_SALTS = 2_048


@dataclass(frozen=True, slots=True)
class History:
    """Tables of int64 ids, moments in UTC milliseconds, and `event_id`, the id of each row's event.

    `people`: user, role, external, handle (null where the source has none), at_ms.
    `follows`: follower, followee, at_ms.
    `tweets`: tweet, author, text, at_ms, reply_to, retweet_of, media_kind ("" without any),
    target_author (of what it answers or repeats, 0 where that is nothing).
    `activity`: at_ms, kind, viewer, tweet, author, request_id (16 bytes), position, value_ms, surface;
    in the order of `merge_activity`. Every table rises by time.
    """

    people: pl.DataFrame
    follows: pl.DataFrame
    tweets: pl.DataFrame
    activity: pl.DataFrame
    not_imported: dict[str, int]


async def resolve_history(
    dataset: Dataset, inspection: Inspection, control: ControlStore, users: UserStore, tweets: TweetStore
) -> History:
    """Maps every id, storing the mapping; the same dataset always gives the same history."""
    tables = inspection.tables
    of_originals = [
        table.with_columns(to_roots(table.get_column("tweet"), inspection.roots).alias("tweet"))
        for table in (tables["impressions"], tables["engagements"])
    ]
    activity, not_imported = merge_activity(*of_originals)
    people = tables["users"].with_columns(_ms("created_at")).sort("at_ms", "role", "user")
    follows = tables["follows"].with_columns(_ms("at")).sort("at_ms", "follower", "followee")
    written = tables["tweets"].with_columns(_ms("created_at")).sort("at_ms", "tweet")
    # People and tweets take their own ids first, so that in one moment an author's is below their tweet's.
    streams = [_times(frame) for frame in (people, written, people, follows, written, activity)]
    salt = int(dataset.digest, 16) % _SALTS
    people_ids, tweet_ids, *event_ids = allot(streams, salt)
    events = [pl.Series("event_id", ids, pl.Int64) for ids in event_ids]

    identities = Identities(control, salt)
    namespaces = dataset.meta.namespaces
    mapped = {}
    for role, namespace in (("viewer", namespaces.viewers), ("author", namespaces.authors)):
        rows = np.flatnonzero((people.get_column("role") == role).to_numpy())
        external = people.get_column("user").gather(rows)
        ids = await identities.map(
            namespace, external.to_list(), streams[0][rows], people_ids[rows], _exists(users.get_many)
        )
        mapped[role] = mapping_frame(external, ids)
    viewers = mapped["viewer"]
    authors = viewers if namespaces.viewers == namespaces.authors else mapped["author"]
    external = written.get_column("tweet")
    ids = await identities.map(
        namespaces.tweets, external.to_list(), streams[1], tweet_ids, _exists(tweets.get_many)
    )
    by_tweet = mapping_frame(external, ids)

    resolved_tweets = _ours(
        written, {"tweet": by_tweet, "author": authors, "reply_to": by_tweet, "retweet_of": by_tweet}
    )
    resolved_tweets = resolved_tweets.with_columns(written.select(_text()).to_series())
    author_of = resolved_tweets.select("tweet", "author")
    requests = request_digests(namespaces.viewers, activity.get_column("request"))
    all_people = pl.concat([mapped[role].with_columns(pl.lit(role).alias("role")) for role in mapped]).rename(
        {"external": "user", "id": "user_id"}
    )
    return History(
        people.join(all_people, ["role", "user"], "left", maintain_order="left").select(
            pl.col("user_id").alias("user"),
            "role",
            pl.col("user").alias("external"),
            "handle",
            "at_ms",
            events[0],
        ),
        _ours(follows, {"follower": viewers, "followee": authors}).select(
            "follower", "followee", "at_ms", events[1]
        ),
        resolved_tweets.select(
            "tweet",
            "author",
            "text",
            "at_ms",
            "reply_to",
            "retweet_of",
            pl.col("media_kind").fill_null(""),
            _target_author(resolved_tweets),
            events[2],
        ),
        _ours(activity, {"viewer": viewers, "tweet": by_tweet})
        .join(author_of, "tweet", "left", maintain_order="left")
        .join(requests, "request", "left", maintain_order="left")
        .select(
            "at_ms",
            "kind",
            "viewer",
            "tweet",
            "author",
            "request_id",
            "position",
            "value_ms",
            "surface",
            events[3],
        ),
        not_imported,
    )


def _target_author(tweets: pl.DataFrame) -> pl.Series:
    """Whose tweet each one repeats or answers, 0 where it does neither."""
    target = tweets.select(tweet=pl.coalesce("retweet_of", "reply_to"))
    found = target.join(tweets.select("tweet", "author"), "tweet", "left", maintain_order="left")
    return found.get_column("author").fill_null(0).alias("target_author")


def _ms(column: str) -> pl.Expr:
    return pl.col(column).dt.epoch("ms").alias("at_ms")


def _times(frame: pl.DataFrame) -> Ids:
    return frame.get_column("at_ms").to_numpy().astype(np.int64, copy=True)


def _ours(frame: pl.DataFrame, columns: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Replaces each column's ids by ours; order and number of rows stay."""
    for name, mapping in columns.items():
        theirs = frame.get_column(name)
        ids = pl.DataFrame({"external": theirs}).join(mapping, "external", "left", maintain_order="left")
        frame = frame.with_columns(ids.get_column("id").alias(name))
    return frame


def _text() -> pl.Expr:
    """The text, or one made from what else is known, such as "video 1234 (12 s) #39"; a retweet has none."""
    seconds = (pl.col("duration_ms") / 1000).round().cast(pl.Int64)
    tags = pl.col("tags").list.eval(pl.format("#{}", pl.element())).list.join(" ")
    made_up = pl.concat_str(
        pl.col("media_kind").fill_null("tweet"),
        "tweet",
        pl.format("({} s)", seconds),
        tags,
        separator=" ",
        ignore_nulls=True,
    ).str.slice(0, MAX_TEXT_CODE_POINTS)
    is_blank = pl.col("text").fill_null("").str.strip_chars() == ""
    text = pl.when(is_blank).then(made_up).otherwise(pl.col("text"))
    return pl.when(pl.col("retweet_of").is_null()).then(text).otherwise(pl.lit("")).alias("text")


def _exists(get_many: Callable[[Sequence[int]], Awaitable[Mapping[int, object]]]) -> Exists:
    async def exists(ids: Ids) -> set[int]:
        found: set[int] = set()
        for start in range(0, len(ids), _LOOK_UP):
            found |= set(await get_many(ids[start : start + _LOOK_UP].tolist()))
        return found

    return exists
