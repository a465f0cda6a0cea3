"""Tweets by id and by (author, month).

A retweet first claims its original, by a row that carries the whole write; whoever meets such a claim
completes it. Where the write has an idempotency key, too, it is the key's row that decides: the claim
comes before it and is void where the key stands for another write.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from core.ids import MAX_ID
from core.types import Tweet
from stores.cassandra.fact import TweetDeleted, TweetWritten
from stores.cassandra.months import month_of
from stores.cassandra.retweet_claims import RetweetClaims
from stores.cassandra.retweets import Retweets
from stores.cassandra.session import CassandraSession, Statement
from stores.cassandra.tweet_rows import TweetRows
from stores.cassandra.write_path import WritePath
from stores.ports import Deletion, IdempotentAnswer, Ids, OutboxRecord, Posted, Written

AUTHORS_A_STATEMENT = 100
"""5,000 authors took 0.15 to 0.2 s so, and 0.85 to 1.3 s by point reads."""
_MONTHS_AT_ONCE = 6

_MONTHS = Statement(
    "SELECT author, yyyymm FROM ks.author_months WHERE author IN ? AND yyyymm <= ? PER PARTITION LIMIT ?"
)
_NEWEST = Statement(
    "SELECT author, tweet_id FROM ks.tweets_by_author WHERE author IN ? AND yyyymm = ? AND tweet_id <= ? "
    "PER PARTITION LIMIT ?",
    page_rows=20_000,
)


class CassandraTweetStore:
    def __init__(self, session: CassandraSession, path: WritePath) -> None:
        self._session = session
        self._path = path
        self._rows = TweetRows(session)
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
        bound = MAX_ID if before is None else before - 1
        waiting: dict[int, int] = dict.fromkeys(authors.tolist(), limit)
        newest = np.empty(0, np.int64)
        months = await self._months(list(waiting), month_of(bound))
        while months:
            # Months that many authors share are read together, the newest of each author first.
            by_month: dict[int, list[int]] = defaultdict(list)
            for author, ahead in months.items():
                by_month[ahead[0]].append(author)
            pairs = await self._newest(by_month, bound, limit)
            newest = np.sort(np.concatenate((newest, pairs[:, 1])))[::-1][:limit]
            for author, count in zip(*np.unique(pairs[:, 0], return_counts=True), strict=True):
                waiting[int(author)] -= int(count)
            # With enough of them, nothing from an older month than the oldest one's can be among them.
            oldest = month_of(int(newest[-1])) if len(newest) == limit else 0
            months = await self._following_months(months, waiting, oldest)
        return newest

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

    async def _months(self, authors: Sequence[int], last_month: int) -> dict[int, list[int]]:
        """The newest few months in which each author wrote, newest first; silent authors are absent."""
        results = await asyncio.gather(
            *(
                self._session.rows(_MONTHS, list(some), last_month, _MONTHS_AT_ONCE)
                for some in _chunks(authors)
            )
        )
        months: dict[int, list[int]] = defaultdict(list)
        for rows in results:
            for author, month in rows:
                months[author].append(month)
        return dict(months)

    async def _following_months(
        self, months: dict[int, list[int]], waiting: Mapping[int, int], oldest: int
    ) -> dict[int, list[int]]:
        """What is left to read, from the month `oldest` on, of the authors who have not enough yet."""
        left: dict[int, list[int]] = {}
        further: dict[int, list[int]] = defaultdict(list)
        for author, ahead in months.items():
            if waiting[author] <= 0 or ahead[0] <= oldest:
                continue
            if len(ahead) > 1:
                if ahead[1] >= oldest:
                    left[author] = ahead[1:]
            else:
                further[ahead[0]].append(author)
        for found in await asyncio.gather(
            *(self._months(authors, month - 1) for month, authors in further.items())
        ):
            left |= found
        return left

    async def _newest(self, by_month: Mapping[int, list[int]], bound: int, limit: int) -> Ids:
        """(author, id) of each author's newest in one month: int64 [n, 2]."""
        results = await asyncio.gather(
            *(
                self._session.rows(_NEWEST, list(some), month, bound, limit)
                for month, authors in by_month.items()
                for some in _chunks(authors)
            )
        )
        return np.array([row for rows in results for row in rows], np.int64).reshape(-1, 2)


def _chunks(authors: Sequence[int]) -> list[Sequence[int]]:
    return [authors[n : n + AUTHORS_A_STATEMENT] for n in range(0, len(authors), AUTHORS_A_STATEMENT)]
