"""What is told of a tweet that was written or deleted: itself, and its edge to what it answers or repeats."""

from __future__ import annotations

from core.ids import id_time_ms
from core.types import Tweet
from eventlog.schema import ReplySet, RetweetSet, TweetCreated, TweetDeleted, record_of
from stores.ports import OutboxRecord


def written(
    tweet: Tweet, *, event_id: int, target_author: int = 0, media_kind: str = ""
) -> list[OutboxRecord]:
    """`target_author` is whose tweet it answers or repeats, where that is known; `media_kind` "" without any.

    The edge is set by the tweet itself: its version is the tweet's id.
    """
    created = record_of(
        TweetCreated.of(tweet, media_kind), id=event_id, ts_ms=tweet.created_ms, key=tweet.author_id
    )
    return [created, *_edges(tweet, target_author, on=True, ver=tweet.tweet_id, ts_ms=tweet.created_ms)]


def deleted(tweet: Tweet, *, ver: int, target_author: int = 0) -> list[OutboxRecord]:
    """`ver` is above the tweet's id. What it answered or repeated is told that it ended."""
    ts_ms = id_time_ms(ver)
    event = TweetDeleted(tweet.tweet_id, tweet.author_id)
    return [
        record_of(event, id=ver, ts_ms=ts_ms, key=tweet.author_id),
        *_edges(tweet, target_author, on=False, ver=ver, ts_ms=ts_ms),
    ]


def _edges(tweet: Tweet, target_author: int, *, on: bool, ver: int, ts_ms: int) -> list[OutboxRecord]:
    user, records = tweet.author_id, []
    if (to := tweet.reply_to) is not None:
        reply = ReplySet(tweet.tweet_id, to, on, user, target_author)
        records.append(record_of(reply, id=ver, ts_ms=ts_ms, key=to))
    if (to := tweet.retweet_of) is not None:
        retweet = RetweetSet(user, to, on, tweet.tweet_id, target_author)
        records.append(record_of(retweet, id=ver, ts_ms=ts_ms, key=to))
    return records
