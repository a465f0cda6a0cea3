"""Tweets by id and by (author, month).

A retweet first claims its original, by a row that carries the whole write; whoever meets such a claim
completes it. Where the write has an idempotency key, too, it is the key's row that decides: the claim
comes before it and is void where the key stands for another write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.types import Tweet
from stores.cassandra.fact import TweetDeleted, TweetWritten
from stores.cassandra.newest_ids import NewestIds
from stores.cassandra.retweet_claims import RetweetClaims
from stores.cassandra.retweets import Retweets
from stores.cassandra.session import CassandraSession
from stores.cassandra.tweet_rows import TweetRows
from stores.cassandra.write_path import WritePath
from stores.ports import Deletion, IdempotentAnswer, Ids, OutboxRecord, Posted, Written


class CassandraTweetStore:
    def __init__(self, session: CassandraSession, path: WritePath, rows: TweetRows) -> None:
        self._path = path
        self._rows = rows
        self._newest = NewestIds(session)
        self._claims = RetweetClaims(session, path, self._rows)
        self._retweets = Retweets(session, self._rows)

    async def create(
        self, tweet: Tweet, idempotency: IdempotentAnswer | None, outbox: Sequence[OutboxRecord]
    ) -> Posted:
        if tweet.retweet_of is not None:
            return await self._retweet(tweet, tweet.retweet_of, idempotency, outbox)
        entry = self._path.entry(TweetWritten(tweet), outbox)
        return Posted((await self._path.write_once(entry, idempotency)).first)

    async def delete(
        self,
        tweet: Tweet,
        *,
        ver: int,
        outbox: Sequence[OutboxRecord],
        idempotency: IdempotentAnswer | None = None,
    ) -> Written:
        deleted = (await self._rows.deletions([tweet.tweet_id])).get(tweet.tweet_id)
        if deleted is not None:
            # Its first try may have been cut short between its rows.
            await self._rows.delete(tweet, deleted.ver)
        entry = self._path.entry(TweetDeleted(tweet, ver), outbox)
        return await self._path.write_once(entry, idempotency, is_news=deleted is None)

    async def get_many(self, tweet_ids: Sequence[int]) -> Mapping[int, Tweet]:
        return await self._rows.live(tweet_ids)

    async def deletions(self, tweet_ids: Sequence[int]) -> Mapping[int, Deletion]:
        return await self._rows.deletions(tweet_ids)

    async def newest_ids(self, authors: Ids, *, before: int | None, limit: int) -> Ids:
        return await self._newest.of(authors, before, limit)

    async def retweets_since(
        self, originals: Sequence[int], authors: Ids, *, since: int
    ) -> Mapping[int, Ids]:
        return await self._retweets.since(originals, authors, since)

    async def _retweet(
        self,
        tweet: Tweet,
        original: int,
        idempotency: IdempotentAnswer | None,
        outbox: Sequence[OutboxRecord],
    ) -> Posted:
        entry = self._path.entry(TweetWritten(tweet), outbox, idempotency)
        standing = await self._claims.claim(tweet.author_id, original, entry)
        if standing is not None and standing.tweet_id != tweet.tweet_id:
            first = None
            if idempotency is not None:
                first = await self._path.first(tweet.author_id, idempotency.key, self._path.now_ms())
            return Posted(first) if first is not None else Posted(retweet=standing)
        written = await self._path.write_once(entry, idempotency)
        if written.first is not None:
            await self._claims.give_back(tweet.author_id, original, entry)
        return Posted(written.first)
