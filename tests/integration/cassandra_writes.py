"""Each kind of write, by number, and whether it stands: in all of its tables or in none."""

from __future__ import annotations

import contextlib
from typing import Protocol

import numpy as np

from core.clock import Clock
from core.errors import Conflict
from core.ids import TweetId, UserId
from core.types import Tweet, User
from eventlog.schema import FollowSet, LikeSet, TweetCreated, UserCreated, record_of
from stores.cassandra.assembly import CassandraStores
from stores.cassandra.edges import LIKES, read_edge
from stores.cassandra.session import CassandraSession
from stores.ports import IdempotentAnswer, OutboxRecord

BASE = 1_800_000_000_000_000_000
"""Ids of 2024; every write is of aggregates of its own."""


class Write(Protocol):
    async def __call__(self, stores: CassandraStores, n: int, clock: Clock) -> None: ...


class Stands(Protocol):
    async def __call__(self, stores: CassandraStores, n: int) -> bool: ...


def key_of(n: int) -> int:
    """What the n-th write's event is keyed by."""
    return BASE + n * 10


def tweet_of(n: int, variant: int = 0) -> tuple[Tweet, OutboxRecord]:
    id_ = TweetId(BASE + n * 10 + variant)
    tweet = Tweet(id_, UserId(key_of(n)), f"№ {n}", 5)
    return tweet, record_of(TweetCreated.of(tweet), id=id_, ts_ms=5, key=key_of(n))


def idempotent(n: int, clock: Clock, variant: int = 0) -> IdempotentAnswer:
    return IdempotentAnswer("k", "POST /v1/tweets", b"h", b"%d" % variant, clock.now_ms() + 86_400_000)


async def tweet(stores: CassandraStores, n: int, clock: Clock) -> None:
    written, record = tweet_of(n)
    await stores.tweets.create(written, None, [record])


async def keyed_tweet(stores: CassandraStores, n: int, clock: Clock) -> None:
    written, record = tweet_of(n)
    await stores.tweets.create(written, idempotent(n, clock), [record])


async def follow(stores: CassandraStores, n: int, clock: Clock) -> None:
    event = FollowSet(key_of(n), key_of(n) + 1, True)
    record = record_of(event, id=key_of(n) + 2, ts_ms=5, key=key_of(n))
    await stores.graph.set_follow(
        UserId(event.a), UserId(event.b), on=True, ver=key_of(n) + 2, outbox=[record]
    )


async def like(stores: CassandraStores, n: int, clock: Clock) -> None:
    event = LikeSet(key_of(n) + 1, key_of(n), True)
    record = record_of(event, id=key_of(n) + 2, ts_ms=5, key=key_of(n))
    await stores.engagements.set_like(
        UserId(event.user), TweetId(event.tweet), on=True, ver=key_of(n) + 2, outbox=[record]
    )


async def user(stores: CassandraStores, n: int, clock: Clock) -> None:
    profile = User(UserId(key_of(n)), f"h{n}", "Ada", 5)
    record = record_of(UserCreated.of(profile), id=key_of(n), ts_ms=5, key=key_of(n))
    # A repeat meets its own first try, as the port says.
    with contextlib.suppress(Conflict):
        await stores.users.create(profile, [record])


def session_of(stores: CassandraStores) -> CassandraSession:
    return stores.outbox._session


async def tweet_stands(stores: CassandraStores, n: int) -> bool:
    written, _ = tweet_of(n)
    by_id = await stores.tweets.get_many([written.tweet_id])
    ids = await stores.tweets.newest_ids(np.array([written.author_id]), before=None, limit=5)
    assert (written.tweet_id in by_id) == (written.tweet_id in ids.tolist())
    assert by_id in ({}, {written.tweet_id: written})
    return bool(by_id)


async def follow_stands(stores: CassandraStores, n: int) -> bool:
    followees = (await stores.graph.followees(UserId(key_of(n)))).ids.tolist()
    followers = (await stores.graph.follower_page(UserId(key_of(n) + 1), after=0, limit=9)).tolist()
    assert followees in ([], [key_of(n) + 1])
    assert followers in ([], [key_of(n)])
    assert bool(followees) == bool(followers)
    return bool(followees)


async def like_stands(stores: CassandraStores, n: int) -> bool:
    session, (a, b) = session_of(stores), (key_of(n) + 1, key_of(n))
    state = await read_edge(session, LIKES, a, b)
    mirror = await read_edge(session, LIKES._replace(state=LIKES.tables[1]), a, b)
    assert state == mirror
    return state.is_on


async def user_stands(stores: CassandraStores, n: int) -> bool:
    return key_of(n) in await stores.users.get_many([key_of(n)])


WRITES: dict[str, tuple[Write, Stands]] = {
    "tweet": (tweet, tweet_stands),
    "keyed tweet": (keyed_tweet, tweet_stands),
    "follow": (follow, follow_stands),
    "like": (like, like_stands),
    "user": (user, user_stands),
}
