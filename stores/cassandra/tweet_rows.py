"""The rows of a tweet: by id, by author and month, and its edge to what it answers or repeats."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from core.clock import Clock
from core.types import Tweet
from stores.buckets import bucket_of
from stores.cassandra.edges import REPLIES, RETWEETS, EdgeKind, write_edge
from stores.cassandra.entry import timestamp_us
from stores.cassandra.months import month_at, month_of
from stores.cassandra.session import CassandraSession, Row, Statement
from stores.ports import Deletion

_MONTHS_REMEMBERED = 65_536

_WRITE = Statement(
    "INSERT INTO ks.tweets_by_id (tweet_id, author, text, created_ms, reply_to, retweet_of) "
    "VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?"
)
_BY_AUTHOR = Statement(
    "INSERT INTO ks.tweets_by_author (author, yyyymm, tweet_id) VALUES (?, ?, ?) USING TIMESTAMP ?"
)
_MONTH = Statement("INSERT INTO ks.author_months (author, yyyymm) VALUES (?, ?) USING TIMESTAMP ?")
_TWEET_MONTH = Statement("INSERT INTO ks.tweet_months (part, yyyymm) VALUES (0, ?) USING TIMESTAMP ?")
_RETWEETER = Statement(
    "INSERT INTO ks.retweets (tweet, b16, retweet, user) VALUES (?, ?, ?, ?) USING TIMESTAMP ?"
)
_DELETE = Statement(
    "INSERT INTO ks.tweets_by_id (tweet_id, author, deleted_ver) VALUES (?, ?, ?) USING TIMESTAMP ?"
)
# Of two with one timestamp the deletion wins. What were written again after the mark of its deletion
# has been forgotten (ten days) would be an id whose tweet is read as deleted.
_DELETE_BY_AUTHOR = Statement(
    "DELETE FROM ks.tweets_by_author USING TIMESTAMP ? WHERE author = ? AND yyyymm = ? AND tweet_id = ?"
)
# What can be deleted is read at a quorum: one copy may not know of the deletion yet.
_READ = Statement(
    "SELECT tweet_id, author, text, created_ms, reply_to, retweet_of, deleted_ver FROM ks.tweets_by_id "
    "WHERE tweet_id = ?"
)


class TweetRows:
    def __init__(self, session: CassandraSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._months: OrderedDict[tuple[int, int], None] = OrderedDict()
        self._newest_month = 0

    async def write(self, tweet: Tweet) -> None:
        """Repeated after the deletion it changes nothing: that has a cell and timestamps of its own."""
        at_us, month = timestamp_us(tweet.tweet_id), month_of(tweet.tweet_id)
        author = tweet.author_id
        writes = [
            self._session.write(
                _WRITE,
                tweet.tweet_id,
                author,
                tweet.text,
                tweet.created_ms,
                tweet.reply_to,
                tweet.retweet_of,
                at_us,
            ),
            self._session.write(_BY_AUTHOR, author, month, tweet.tweet_id, at_us),
            self._write_edges(tweet, on=True, ver=tweet.tweet_id),
        ]
        if tweet.retweet_of is not None:
            bucket = bucket_of(tweet.tweet_id)
            writes.append(
                self._session.write(_RETWEETER, tweet.retweet_of, bucket, tweet.tweet_id, author, at_us)
            )
        if (author, month) not in self._months:
            writes.append(self._session.write(_MONTH, author, month, at_us))
        # Not only the tweet's own: whoever imports a past would hide what others wrote since, before
        # there were such rows.
        newest = max(month, month_at(self._clock.now_ms()))
        if newest > self._newest_month:
            writes.append(self._session.write(_TWEET_MONTH, newest, at_us))
        await asyncio.gather(*writes)
        # Only after all were acknowledged: a month that is not there hides its tweets.
        self._months[author, month] = None
        self._newest_month = max(newest, self._newest_month)
        if len(self._months) > _MONTHS_REMEMBERED:
            self._months.popitem(last=False)

    async def delete(self, tweet: Tweet, ver: int) -> None:
        at_us, month = timestamp_us(ver), month_of(tweet.tweet_id)
        await asyncio.gather(
            self._session.write(_DELETE, tweet.tweet_id, tweet.author_id, ver, at_us),
            self._session.write(_DELETE_BY_AUTHOR, at_us, tweet.author_id, month, tweet.tweet_id),
            self._write_edges(tweet, on=False, ver=ver),
        )

    async def live(self, tweet_ids: Sequence[int]) -> dict[int, Tweet]:
        """Those that are there and not deleted."""
        return {
            row[0]: Tweet(*row[:6]) for row in await self._read(tweet_ids) if _is_written(row) and not row[6]
        }

    async def deletions(self, tweet_ids: Sequence[int]) -> dict[int, Deletion]:
        return {row[0]: Deletion(row[1], row[6]) for row in await self._read(tweet_ids) if row[6]}

    async def is_written(self, tweet: Tweet) -> bool:
        """Whether it was ever there, deleted or not."""
        return any(_is_written(row) for row in await self._read([tweet.tweet_id]))

    async def _read(self, tweet_ids: Sequence[int]) -> list[Row]:
        results = await asyncio.gather(
            *(self._session.rows(_READ, tweet_id) for tweet_id in dict.fromkeys(tweet_ids))
        )
        return [row for rows in results for row in rows]

    async def _write_edges(self, tweet: Tweet, *, on: bool, ver: int) -> None:
        edges: list[tuple[EdgeKind, int]] = []
        if tweet.reply_to is not None:
            edges.append((REPLIES, tweet.reply_to))
        if tweet.retweet_of is not None:
            edges.append((RETWEETS, tweet.retweet_of))
        await asyncio.gather(
            *(write_edge(self._session, kind, tweet.tweet_id, to, on=on, ver=ver) for kind, to in edges)
        )


def _is_written(row: Row) -> bool:
    """Whether its creation made the row; a deletion may have been first."""
    return row[3] is not None
