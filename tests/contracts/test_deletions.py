"""TweetStore.delete: once for good, whatever is repeated, in whatever order."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from core.ids import EPOCH_MS, MAX_ID, TweetId, UserId, compose_id
from core.types import Tweet
from eventlog.schema import EDGES, TWEETS
from stores.buckets import BUCKETS
from stores.ports import Bucket, Counts, Deletion, OutboxRecord, Written
from tests.contracts.engines import Engine, Stack, published
from tests.fakes import FakeClock

ADA, GRACE = UserId(10), UserId(20)
ID = TweetId(compose_id(EPOCH_MS + 400_000_000_000, 1, 1, 0))
TWEET = Tweet(ID, ADA, "№ 1 🎉", 5)


async def create(stack: Stack, tweet: Tweet = TWEET) -> None:
    await stack.tweets.create(tweet, None, [OutboxRecord(TWEETS, tweet.author_id, b"+%d" % tweet.tweet_id)])


async def delete(stack: Stack, tweet: Tweet = TWEET, ver: int = 0) -> bool:
    ver = ver or tweet.tweet_id + 1
    record = OutboxRecord(TWEETS, tweet.author_id, b"-%d %d" % (tweet.tweet_id, ver))
    return (await stack.tweets.delete(tweet, ver=ver, outbox=[record])).changed


async def newest(stack: Stack, *authors: int, limit: int = 10) -> list[int]:
    ids = await stack.tweets.newest_ids(np.array(authors, np.int64), before=None, limit=limit)
    assert ids.dtype == np.int64
    return list(ids)


async def counted(stack: Stack, tweet: int) -> Counts:
    await stack.engagements.recount(
        [Bucket(tweet, kind, number) for kind in ("retweets", "replies") for number in range(BUCKETS)]
    )
    return (await stack.engagements.counts([tweet]))[tweet]


async def test_what_is_deleted_is_told_from_what_never_was(stack: Stack) -> None:
    await create(stack)
    assert await stack.tweets.deletions([ID, 5]) == {}
    assert await delete(stack)
    assert await stack.tweets.get_many([ID, 5]) == {}
    assert await stack.tweets.deletions([ID, 5]) == {ID: Deletion(ADA, ID + 1)}
    assert await stack.tweets.deletions([]) == {}
    assert await newest(stack, ADA) == []


async def test_a_second_deletion_changes_nothing_and_is_not_told(stack: Stack) -> None:
    await create(stack)
    assert await delete(stack)
    assert not await delete(stack)
    assert not await delete(stack, ver=ID + 99)
    assert await stack.tweets.deletions([ID]) == {ID: Deletion(ADA, ID + 1)}
    assert await published(stack, [TWEETS]) == [b"+%d" % ID, b"-%d %d" % (ID, ID + 1)]


@pytest.mark.parametrize("order", sorted(set(itertools.permutations("ccdd"))))
async def test_deletion_wins_over_creation_whatever_the_order(stack: Stack, order: tuple[str, ...]) -> None:
    reply = Tweet(ID, ADA, "no", 5, reply_to=TweetId(7), retweet_of=TweetId(8))
    act: dict[str, Callable[[], Awaitable[object]]] = {
        "c": lambda: create(stack, reply),
        "d": lambda: delete(stack, reply),
    }
    for step in order:
        await act[step]()
    assert await stack.tweets.get_many([ID]) == {}
    assert await stack.tweets.deletions([ID]) == {ID: Deletion(ADA, ID + 1)}
    assert await newest(stack, ADA) == []
    assert (await counted(stack, 7), await counted(stack, 8)) == (Counts(), Counts())


async def test_deletion_wins_over_a_creation_at_the_same_time(stack: Stack, clock: FakeClock) -> None:
    for number in range(20):
        tweet = Tweet(TweetId(ID + 10 * number), ADA, "", 5, reply_to=TweetId(7))
        await asyncio.gather(create(stack, tweet), delete(stack, tweet), create(stack, tweet))
    clock.advance(5_000)
    await stack.recover()
    assert await newest(stack, ADA) == []
    assert len(await stack.tweets.deletions([ID + 10 * number for number in range(20)])) == 20
    assert await counted(stack, 7) == Counts()


async def test_only_what_is_left_is_among_the_newest(stack: Stack) -> None:
    tweets = [Tweet(TweetId(ID + n), ADA if n % 2 else GRACE, "", 5) for n in range(12)]
    for tweet in tweets:
        await create(stack, tweet)
    for tweet in tweets[4:11]:
        await delete(stack, tweet, ver=ID + 1_000)
    assert await newest(stack, ADA, GRACE, limit=3) == [ID + 11, ID + 3, ID + 2]
    assert await newest(stack, ADA, GRACE) == [ID + n for n in (11, 3, 2, 1, 0)]
    assert await newest(stack, GRACE, limit=1) == [ID + 2]


async def test_a_thousand_are_asked_for_in_one_call(stack: Stack) -> None:
    tweets = [Tweet(TweetId(ID + 4 * n), ADA, "", 5) for n in range(90)]
    await asyncio.gather(*(stack.tweets.create(tweet, None, []) for tweet in tweets))
    gone = tweets[::3]
    await asyncio.gather(*(stack.tweets.delete(one, ver=one.tweet_id + 1, outbox=[]) for one in gone))
    ids = [tweet.tweet_id for tweet in tweets]
    asked = [*ids, *range(1, 1_001 - len(ids))]
    assert list(await stack.tweets.deletions(asked)) == [tweet.tweet_id for tweet in gone]
    assert set(await stack.tweets.get_many(asked)) == set(ids) - {tweet.tweet_id for tweet in gone}
    assert len(await newest(stack, ADA, limit=2_000)) == len(tweets) - len(gone)


async def test_deletions_at_once_are_one(stack: Stack) -> None:
    await create(stack)
    changes = await asyncio.gather(*(delete(stack) for _ in range(20)))
    assert any(changes)
    assert not await delete(stack)
    assert set(await published(stack, [TWEETS])) == {b"+%d" % ID, b"-%d %d" % (ID, ID + 1)}


async def test_a_deletion_survives_a_restart(engine: Engine, clock: FakeClock) -> None:
    async with engine.open(clock) as before:
        await create(before)
        await delete(before)
    async with engine.open(clock) as after:
        await create(after)
        assert await after.tweets.get_many([ID]) == {}
        assert list(await after.tweets.deletions([ID])) == [ID]


@pytest.mark.parametrize("ver", [ID + 1, ID + 4_000_000_000, MAX_ID])
async def test_a_reply_and_a_retweet_take_their_edges_with_them(stack: Stack, ver: int) -> None:
    reply = Tweet(ID, ADA, "no", 5, reply_to=TweetId(7))
    retweet = Tweet(TweetId(ID - 1), ADA, "", 5, retweet_of=TweetId(7))
    for tweet in (reply, retweet):
        await create(stack, tweet)
    assert await counted(stack, 7) == Counts(0, 1, 1)
    record = OutboxRecord(EDGES, 7, b"edge off")
    assert await stack.tweets.delete(reply, ver=ver, outbox=[record]) == Written(True)
    assert await counted(stack, 7) == Counts(0, 1, 0)
    await delete(stack, retweet, ver=ver)
    assert await counted(stack, 7) == Counts()
    assert await published(stack, [EDGES]) == [b"edge off"]
