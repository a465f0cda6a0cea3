"""Likes, and counts: the rows are the truth that buckets are counted from; there are no counters."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from core.clock import Clock
from core.ids import TweetId, UserId
from stores.cassandra.edges import LIKES, read_edge, write_edge
from stores.cassandra.fact import LikeWritten
from stores.cassandra.session import CassandraSession, Statement
from stores.cassandra.write_path import WritePath
from stores.ports import Bucket, CountKind, Counts, IdempotentAnswer, OutboxRecord, Written

_BUCKETS_AT_ONCE = 64
_COUNTS = Statement("SELECT tweet, likes, retweets, replies FROM ks.counts WHERE tweet = ?")


def _rows_of(kind: CountKind) -> Statement:
    return Statement(f"SELECT on_ver, off_ver FROM ks.{kind} WHERE tweet = ? AND b16 = ?")


def _count_of(kind: CountKind) -> Statement:
    return Statement(f"INSERT INTO ks.counts (tweet, b16, {kind}) VALUES (?, ?, ?) USING TIMESTAMP ?")


_STATEMENTS: Mapping[CountKind, tuple[Statement, Statement]] = {
    "likes": (_rows_of("likes"), _count_of("likes")),
    "retweets": (_rows_of("retweets"), _count_of("retweets")),
    "replies": (_rows_of("replies"), _count_of("replies")),
}


class CassandraEngagementStore:
    def __init__(self, session: CassandraSession, path: WritePath, clock: Clock) -> None:
        self._session = session
        self._path = path
        self._clock = clock
        self._began_us = 0

    async def set_like(
        self,
        user: UserId,
        tweet: TweetId,
        *,
        on: bool,
        ver: int,
        outbox: Sequence[OutboxRecord],
        idempotency: IdempotentAnswer | None = None,
    ) -> Written:
        before = await read_edge(self._session, LIKES, user, tweet)
        if before.newest == ver:
            # A repeat: its first try may have been cut short between the two directions.
            await write_edge(self._session, LIKES, user, tweet, on=before.is_on, ver=ver)
        return await self._path.change_edge(LikeWritten(user, tweet, on, ver, before), outbox, idempotency)

    async def has_liked(self, user: UserId, tweet: TweetId) -> bool:
        return (await read_edge(self._session, LIKES, user, tweet)).is_on

    async def recount(self, buckets: Sequence[Bucket]) -> None:
        room = asyncio.Semaphore(_BUCKETS_AT_ONCE)

        async def recount_one(bucket: Bucket) -> None:
            async with room:
                await self._recount(bucket)

        await asyncio.gather(*(recount_one(bucket) for bucket in dict.fromkeys(buckets)))

    async def counts(self, tweet_ids: Sequence[int]) -> Mapping[int, Counts]:
        wanted = list(dict.fromkeys(tweet_ids))
        results = await asyncio.gather(*(self._session.rows(_COUNTS, tweet_id) for tweet_id in wanted))
        return {
            tweet_id: Counts(*(sum(row[column] or 0 for row in rows) for column in (1, 2, 3)))
            for tweet_id, rows in zip(wanted, results, strict=True)
        }

    async def _recount(self, bucket: Bucket) -> None:
        read, write = _STATEMENTS[bucket.kind]
        # The moment before the rows are read: of two counts the one that saw later rows stands.
        began_us = self._next_us()
        rows = await self._session.rows(read, bucket.tweet, bucket.number)
        count = sum((on or 0) > (off or 0) for on, off in rows)
        await self._session.write(write, bucket.tweet, bucket.number, count, began_us)

    def _next_us(self) -> int:
        """Rises with each count of this process, so that none has the timestamp of another."""
        self._began_us = max(self._began_us + 1, self._clock.now_ms() * 1000)
        return self._began_us
