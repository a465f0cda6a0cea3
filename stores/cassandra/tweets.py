"""Tweets by id and by (author, month), and the keys under which they were first posted."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from cassandra import ConsistencyLevel

from core.clock import Clock
from core.ids import MAX_ID, UserId
from core.types import Tweet
from stores.cassandra.entry import Entry, TweetWritten
from stores.cassandra.idempotency import Idempotency
from stores.cassandra.months import month_of
from stores.cassandra.session import CassandraSession, Statement
from stores.cassandra.write_path import WritePath
from stores.ports import IdempotentAnswer, Ids, OutboxRecord

AUTHORS_A_STATEMENT = 100
"""5,000 authors took 0.15 to 0.2 s so, and 0.85 to 1.3 s by point reads."""
_MONTHS_AT_ONCE = 6

_READ = (
    "SELECT tweet_id, author, text, created_ms, reply_to, retweet_of FROM ks.tweets_by_id WHERE tweet_id = ?"
)
_READ_ONE = Statement(_READ, ConsistencyLevel.LOCAL_ONE)
_READ_QUORUM = Statement(_READ)
_MONTHS = Statement(
    "SELECT author, yyyymm FROM ks.author_months WHERE author IN ? AND yyyymm <= ? PER PARTITION LIMIT ?"
)
_NEWEST = Statement(
    "SELECT author, tweet_id FROM ks.tweets_by_author WHERE author IN ? AND yyyymm = ? AND tweet_id <= ? "
    "PER PARTITION LIMIT ?",
    page_rows=20_000,
)


class CassandraTweetStore:
    def __init__(self, session: CassandraSession, path: WritePath, clock: Clock) -> None:
        self._session = session
        self._path = path
        self._idempotency = Idempotency(session, clock)

    async def create(
        self, tweet: Tweet, idempotency: IdempotentAnswer | None, outbox: Sequence[OutboxRecord]
    ) -> IdempotentAnswer | None:
        entry = self._path.entry(TweetWritten(tweet), outbox)
        if idempotency is not None:
            first = await self._idempotency.claim(tweet.author_id, idempotency, entry)
            if first is not None:
                await self._finish(first.entry)
                return first.answer
        await self._path.write(entry)
        return None

    async def idempotent_answer(self, user: UserId, key: str, now_ms: int) -> IdempotentAnswer | None:
        first = await self._idempotency.first_use(user, key, now_ms)
        if first is None:
            return None
        await self._finish(first.entry)
        return first.answer

    async def get_many(self, tweet_ids: Sequence[int]) -> Mapping[int, Tweet]:
        wanted = list(dict.fromkeys(tweet_ids))
        found = await self._read(wanted, _READ_ONE)
        # One copy may not have it yet; a quorum does.
        found |= await self._read([id_ for id_ in wanted if id_ not in found], _READ_QUORUM)
        return found

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

    async def _finish(self, entry: Entry) -> None:
        """Sees to it that a write is complete before its answer is given once more.

        A tweet that is there was committed; its other rows may still be missing.
        """
        if await self._session.rows(_READ_QUORUM, entry.event_id):
            await self._path.facts.apply(entry)
        else:
            await self._path.finish(entry)

    async def _read(self, tweet_ids: Sequence[int], statement: Statement) -> dict[int, Tweet]:
        results = await asyncio.gather(*(self._session.rows(statement, id_) for id_ in tweet_ids))
        return {rows[0][0]: Tweet(*rows[0]) for rows in results if rows}

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
