"""Each kind of write, by number, and whether it stands: in all of its tables or in none."""

from __future__ import annotations

import contextlib
from typing import NamedTuple, Protocol

import msgspec
import numpy as np

from core.clock import Clock
from core.errors import Conflict
from core.ids import TweetId, UserId
from core.types import Tweet, User
from eventlog.schema import (
    BlockSet,
    FollowSet,
    LikeSet,
    MuteSet,
    ReplySet,
    RetweetSet,
    TweetCreated,
    TweetDeleted,
    UserChanged,
    UserCreated,
    record_of,
)
from stores.cassandra.assembly import CassandraStores
from stores.cassandra.edges import BLOCKS, FOLLOWS, LIKES, MUTES, REPLIES, RETWEETS, EdgeKind, read_edge
from stores.cassandra.session import CassandraSession
from stores.ports import IdempotentAnswer, OutboxRecord

BASE = 1_800_000_000_000_000_000
"""Ids of 2024; every write is of aggregates of its own."""


class Write(Protocol):
    async def __call__(self, stores: CassandraStores, n: int, clock: Clock) -> None: ...


class Stands(Protocol):
    async def __call__(self, stores: CassandraStores, n: int) -> bool: ...


class Prepare(Protocol):
    async def __call__(self, stores: CassandraStores, n: int) -> None: ...


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


async def reply(stores: CassandraStores, n: int, clock: Clock) -> None:
    written, record = tweet_of(n)
    written = msgspec.structs.replace(written, reply_to=TweetId(key_of(n) + 5))
    event = ReplySet(written.tweet_id, key_of(n) + 5, True, written.author_id)
    edge = record_of(event, id=written.tweet_id, ts_ms=5, key=key_of(n) + 5)
    await stores.tweets.create(written, None, [record, edge])


def retweet_of(n: int, variant: int = 0) -> tuple[Tweet, list[OutboxRecord]]:
    written, record = tweet_of(n, variant)
    written = msgspec.structs.replace(written, retweet_of=TweetId(key_of(n) + 5))
    event = RetweetSet(written.author_id, key_of(n) + 5, True, written.tweet_id)
    return written, [record, record_of(event, id=written.tweet_id, ts_ms=5, key=key_of(n) + 5)]


async def retweet(stores: CassandraStores, n: int, clock: Clock) -> None:
    written, records = retweet_of(n)
    await stores.tweets.create(written, None, records)


async def keyed_retweet(stores: CassandraStores, n: int, clock: Clock) -> None:
    written, records = retweet_of(n)
    await stores.tweets.create(written, idempotent(n, clock), records)


async def post_quietly(stores: CassandraStores, n: int) -> None:
    written, _ = retweet_of(n)
    await stores.tweets.create(msgspec.structs.replace(written, reply_to=TweetId(key_of(n) + 6)), None, [])


async def delete(stores: CassandraStores, n: int, clock: Clock) -> None:
    written, _ = retweet_of(n)
    written = msgspec.structs.replace(written, reply_to=TweetId(key_of(n) + 6))
    event = TweetDeleted(written.tweet_id, written.author_id)
    record = record_of(event, id=key_of(n) + 2, ts_ms=5, key=key_of(n))
    await stores.tweets.delete(written, ver=key_of(n) + 2, outbox=[record])


async def keyed_follow(stores: CassandraStores, n: int, clock: Clock) -> None:
    event = FollowSet(key_of(n), key_of(n) + 1, True)
    record = record_of(event, id=key_of(n) + 2, ts_ms=5, key=key_of(n))
    await stores.graph.set_follow(
        UserId(event.a),
        UserId(event.b),
        on=True,
        ver=key_of(n) + 2,
        outbox=[record],
        idempotency=idempotent(n, clock),
    )


def follow_ended(follower: UserId, followee: UserId, ver: int) -> OutboxRecord:
    return record_of(FollowSet(follower, followee, False), id=ver, ts_ms=5, key=follower)


async def be_followed_quietly(stores: CassandraStores, n: int) -> None:
    await stores.graph.set_follow(
        UserId(key_of(n) + 1), UserId(key_of(n)), on=True, ver=key_of(n) + 1, outbox=[]
    )


async def block(stores: CassandraStores, n: int, clock: Clock) -> None:
    event = BlockSet(key_of(n), key_of(n) + 1, True)
    record = record_of(event, id=key_of(n) + 4, ts_ms=5, key=key_of(n))
    await stores.graph.set_block(
        UserId(event.a), UserId(event.b), on=True, ver=key_of(n) + 4, outbox=[record], ended=follow_ended
    )


async def mute(stores: CassandraStores, n: int, clock: Clock) -> None:
    event = MuteSet(key_of(n), key_of(n) + 1, True)
    record = record_of(event, id=key_of(n) + 2, ts_ms=5, key=key_of(n))
    await stores.graph.set_mute(UserId(event.a), UserId(event.b), on=True, ver=key_of(n) + 2, outbox=[record])


async def keyed_user(stores: CassandraStores, n: int, clock: Clock) -> None:
    profile = User(UserId(key_of(n)), f"h{n}", "Ada", 5)
    record = record_of(UserCreated.of(profile), id=key_of(n), ts_ms=5, key=key_of(n))
    await stores.users.create(profile, [record], idempotency=idempotent(n, clock))


async def be_there_quietly(stores: CassandraStores, n: int) -> None:
    await stores.users.create(User(UserId(key_of(n)), f"h{n}", "Ada", 5), [])


async def profile(stores: CassandraStores, n: int, clock: Clock) -> None:
    event = UserChanged(key_of(n), f"h{n}", "Ada King")
    record = record_of(event, id=key_of(n) + 2, ts_ms=5, key=key_of(n))
    await stores.users.change(
        UserId(event.user), display_name=event.display_name, ver=key_of(n) + 2, outbox=[record]
    )


async def user(stores: CassandraStores, n: int, clock: Clock) -> None:
    profile = User(UserId(key_of(n)), f"h{n}", "Ada", 5)
    record = record_of(UserCreated.of(profile), id=key_of(n), ts_ms=5, key=key_of(n))
    # A repeat meets its own first try, as the port says.
    with contextlib.suppress(Conflict):
        await stores.users.create(profile, [record])


def session_of(stores: CassandraStores) -> CassandraSession:
    return stores.outbox._session


async def edge_stands(stores: CassandraStores, kind: EdgeKind, a: int, b: int) -> bool:
    """Whether an edge is on: in all of its directions, or in none."""
    session = session_of(stores)
    states = [await read_edge(session, kind._replace(state=table), a, b) for table in kind.tables]
    assert len(set(states)) == 1
    return states[0].is_on


async def tweet_stands(stores: CassandraStores, n: int) -> bool:
    written, _ = tweet_of(n)
    by_id = await stores.tweets.get_many([written.tweet_id])
    ids = await stores.tweets.newest_ids(np.array([written.author_id]), before=None, limit=5)
    assert (written.tweet_id in by_id) == (written.tweet_id in ids.tolist())
    return bool(by_id)


async def reply_stands(stores: CassandraStores, n: int) -> bool:
    stands = await tweet_stands(stores, n)
    assert await edge_stands(stores, REPLIES, key_of(n), key_of(n) + 5) == stands
    return stands


async def retweet_stands(stores: CassandraStores, n: int) -> bool:
    stands = await tweet_stands(stores, n)
    assert await edge_stands(stores, RETWEETS, key_of(n), key_of(n) + 5) == stands
    return stands


async def delete_stands(stores: CassandraStores, n: int) -> bool:
    there = await retweet_stands(stores, n)
    assert await edge_stands(stores, REPLIES, key_of(n), key_of(n) + 6) == there
    assert bool(await stores.tweets.deletions([key_of(n)])) == (not there)
    return not there


async def block_stands(stores: CassandraStores, n: int) -> bool:
    stands = await edge_stands(stores, BLOCKS, key_of(n), key_of(n) + 1)
    assert await edge_stands(stores, FOLLOWS, key_of(n) + 1, key_of(n)) == (not stands)
    assert await stores.graph.is_blocked(UserId(key_of(n) + 1), UserId(key_of(n))) == stands
    return stands


async def mute_stands(stores: CassandraStores, n: int) -> bool:
    return await edge_stands(stores, MUTES, key_of(n), key_of(n) + 1)


async def profile_stands(stores: CassandraStores, n: int) -> bool:
    return (await stores.users.get_many([key_of(n)]))[key_of(n)].display_name == "Ada King"


async def follow_stands(stores: CassandraStores, n: int) -> bool:
    followees = (await stores.graph.followees(UserId(key_of(n)))).ids.tolist()
    followers = (await stores.graph.follower_page(UserId(key_of(n) + 1), after=0, limit=9)).tolist()
    assert followees in ([], [key_of(n) + 1])
    assert followers in ([], [key_of(n)])
    assert bool(followees) == bool(followers)
    return bool(followees)


async def like_stands(stores: CassandraStores, n: int) -> bool:
    return await edge_stands(stores, LIKES, key_of(n) + 1, key_of(n))


async def user_stands(stores: CassandraStores, n: int) -> bool:
    return key_of(n) in await stores.users.get_many([key_of(n)])


async def nothing(stores: CassandraStores, n: int) -> None:
    """What most writes need to be there before."""


class Kind(NamedTuple):
    """`prepare` is told of to nobody."""

    write: Write
    stands: Stands
    prepare: Prepare = nothing


WRITES: dict[str, Kind] = {
    "tweet": Kind(tweet, tweet_stands),
    "keyed tweet": Kind(keyed_tweet, tweet_stands),
    "reply": Kind(reply, reply_stands),
    "retweet": Kind(retweet, retweet_stands),
    "keyed retweet": Kind(keyed_retweet, retweet_stands),
    "delete": Kind(delete, delete_stands, post_quietly),
    "follow": Kind(follow, follow_stands),
    "keyed follow": Kind(keyed_follow, follow_stands),
    "block": Kind(block, block_stands, be_followed_quietly),
    "mute": Kind(mute, mute_stands),
    "like": Kind(like, like_stands),
    "user": Kind(user, user_stands),
    "keyed user": Kind(keyed_user, user_stands),
    "profile": Kind(profile, profile_stands, be_there_quietly),
}
