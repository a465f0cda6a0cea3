"""The Cassandra stores: writes a client CPU second, and the newest of many authors by IN against point reads.

`python -m bench.cassandra_stores HOST PORT`; it makes the keyspace `rankfeed_bench` there.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from collections.abc import Awaitable, Callable, Sequence

import numpy as np

from core.clock import SystemClock
from core.ids import MAX_ID, TweetId, UserId, compose_id
from core.types import Tweet
from stores.cassandra.assembly import CassandraStores, assemble
from stores.cassandra.migrate import migrate
from stores.cassandra.months import month_of
from stores.cassandra.options import CassandraOptions
from stores.cassandra.session import CassandraSession, Statement, connect
from stores.ports import OutboxRecord

WRITES = 5_000
AT_ONCE = 64
AUTHORS = (500, 5_000)
PER_AUTHOR = 50
FIRST_AUTHOR = 10_000_000

_ONE_AUTHOR = Statement(
    "SELECT author, tweet_id FROM ks.tweets_by_author "
    "WHERE author = ? AND yyyymm = ? AND tweet_id <= ? LIMIT ?"
)


class NoLog:
    """Acknowledges at once: it is the stores that are measured."""

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        return


class Writer:
    def __init__(self, stores: CassandraStores) -> None:
        self._stores = stores
        self._clock = SystemClock()
        self._numbers = itertools.count()

    def mint(self) -> int:
        return compose_id(self._clock.now_ms(), 1, 1, next(self._numbers) % 4096)

    async def tweet(self, n: int) -> None:
        id_, author = self.mint(), FIRST_AUTHOR + n % max(AUTHORS)
        tweet = Tweet(TweetId(id_), UserId(author), "hello world " * 5, self._clock.now_ms())
        await self._stores.tweets.create(tweet, None, [OutboxRecord("tweets.v1", author, b"x" * 250)])

    async def follow(self, n: int) -> None:
        record = OutboxRecord("graph.v1", n, b"x" * 120)
        follower, followee = UserId(FIRST_AUTHOR + n % 997), UserId(FIRST_AUTHOR + n)
        await self._stores.graph.set_follow(follower, followee, on=True, ver=self.mint(), outbox=[record])

    async def like(self, n: int) -> None:
        record = OutboxRecord("edges.v1", n, b"x" * 120)
        user, tweet = UserId(FIRST_AUTHOR + n), TweetId(self.mint())
        await self._stores.engagements.set_like(user, tweet, on=True, ver=self.mint(), outbox=[record])


async def main(host: str, port: int) -> None:
    options = CassandraOptions(hosts=(host,), port=port, keyspace="rankfeed_bench")
    await asyncio.to_thread(migrate, options)
    session = await connect(options)
    stores = assemble(session, NoLog(), SystemClock())
    writer = Writer(stores)
    print(f"\n{WRITES:,} writes, {AT_ONCE} at once, publication and removal from the outbox included")
    print(f"{'write':10}{'a second':>12}{'per client CPU s':>20}")
    for name, write in (("tweet", writer.tweet), ("follow", writer.follow), ("like", writer.like)):
        await _writes(stores, write, AT_ONCE)
        began_s, cpu_s = time.perf_counter(), time.process_time()
        await _writes(stores, write, WRITES)
        elapsed_s, used_s = time.perf_counter() - began_s, time.process_time() - cpu_s
        print(f"{name:10}{WRITES / elapsed_s:>12,.0f}{WRITES / used_s:>20,.0f}")
    print(f"\nnewest {PER_AUTHOR} ids of many authors, seconds, median of 5")
    print(f"{'authors':10}{'by IN':>12}{'point reads':>14}")
    for count in AUTHORS:
        authors = np.arange(FIRST_AUTHOR, FIRST_AUTHOR + count)
        times: dict[str, list[float]] = {"in": [], "points": []}
        for _ in range(5):
            began_s = time.perf_counter()
            await stores.tweets.newest_ids(authors, before=None, limit=PER_AUTHOR)
            times["in"].append(time.perf_counter() - began_s)
            began_s = time.perf_counter()
            await _point_reads(session, authors.tolist(), month_of(writer.mint()))
            times["points"].append(time.perf_counter() - began_s)
        print(f"{count:<10,}{np.median(times['in']):>12.3f}{np.median(times['points']):>14.3f}")
    await stores.publication.close(5)
    await session.close()


async def _writes(stores: CassandraStores, write: Callable[[int], Awaitable[None]], count: int) -> None:
    numbers = iter(range(count))

    async def work() -> None:
        for n in numbers:
            await write(n)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    await stores.publication.settle()


async def _point_reads(session: CassandraSession, authors: Sequence[int], month: int) -> None:
    await asyncio.gather(
        *(session.rows(_ONE_AUTHOR, author, month, MAX_ID, PER_AUTHOR) for author in authors)
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
