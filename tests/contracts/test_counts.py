"""EngagementStore.counts: what the rows are, counted anew; nothing is ever added up."""

from __future__ import annotations

import asyncio

import pytest

from core.ids import TweetId, UserId
from core.types import Tweet
from stores.buckets import BUCKETS, bucket_of
from stores.ports import Bucket, CountKind, Counts
from tests.contracts.engines import Engine, Stack
from tests.fakes import FakeClock

TWEET = TweetId(77)
KINDS: tuple[CountKind, ...] = ("likes", "retweets", "replies")


async def like(stack: Stack, user: int, ver: int, *, on: bool = True, tweet: int = TWEET) -> None:
    await stack.engagements.set_like(UserId(user), TweetId(tweet), on=on, ver=ver, outbox=[])


async def recount(stack: Stack, *tweets: int) -> None:
    await stack.engagements.recount(
        [Bucket(tweet, kind, number) for tweet in tweets for kind in KINDS for number in range(BUCKETS)]
    )


async def counts(stack: Stack, tweet: int = TWEET) -> Counts:
    return (await stack.engagements.counts([tweet]))[tweet]


async def test_what_was_never_counted_has_none(stack: Stack) -> None:
    await stack.engagements.recount([])
    assert await stack.engagements.counts([1, 2]) == {1: Counts(0, 0, 0), 2: Counts()}
    assert await stack.engagements.counts([]) == {}
    await recount(stack, 1)
    assert await counts(stack, 1) == Counts()


async def test_rows_are_counted_and_removals_are_not(stack: Stack) -> None:
    for user in range(1, 101):
        await like(stack, user, 1)
    for user in range(1, 31):
        await like(stack, user, 2, on=False)
    await like(stack, 1, 3)
    await like(stack, 500, 9, on=False)
    replies = [Tweet(TweetId(1_000 + n), UserId(n + 1), "", 5, reply_to=TWEET) for n in range(7)]
    retweets = [Tweet(TweetId(2_000 + n), UserId(n + 1), "", 5, retweet_of=TWEET) for n in range(5)]
    for tweet in (*replies, *retweets):
        await stack.tweets.create(tweet, None, [])
    await stack.tweets.delete(replies[0], ver=5_000, outbox=[])
    await recount(stack, TWEET)
    assert await counts(stack) == Counts(likes=71, retweets=5, replies=6)


async def test_counting_again_changes_nothing(stack: Stack) -> None:
    await like(stack, 1, 1)
    for _ in range(3):
        await recount(stack, TWEET)
        assert await counts(stack) == Counts(1, 0, 0)


async def test_one_dirty_bucket_is_counted_by_itself(stack: Stack) -> None:
    for user in range(1, 40):
        await like(stack, user, 1)
    await recount(stack, TWEET)
    await like(stack, 40, 1)
    await like(stack, 3, 2, on=False)
    dirty = [Bucket(TWEET, "likes", bucket_of(40)), Bucket(TWEET, "likes", bucket_of(3))]
    await stack.engagements.recount(dirty * 2)
    assert await counts(stack) == Counts(39, 0, 0)


async def test_tweets_are_counted_apart_a_thousand_a_call(stack: Stack) -> None:
    ids = [1_000 + n for n in range(1_000)]
    for tweet in ids[:3]:
        for user in range(1, tweet - 996):
            await like(stack, user, 1, tweet=tweet)
    await recount(stack, *ids[:3])
    found = await stack.engagements.counts(ids)
    assert list(found) == ids
    assert [found[id_].likes for id_ in ids[:4]] == [3, 4, 5, 0]


@pytest.mark.parametrize("step_ms", [1, -3_600_000])
async def test_the_later_count_stands_whatever_the_clock_does(
    stack: Stack, clock: FakeClock, step_ms: int
) -> None:
    await like(stack, 1, 1)
    await recount(stack, TWEET)
    clock.step_wall(step_ms)
    await like(stack, 1, 2, on=False)
    await recount(stack, TWEET)
    assert await counts(stack) == Counts()


async def test_counts_at_once_end_as_the_rows_are(stack: Stack, engine: Engine, clock: FakeClock) -> None:
    bucket = Bucket(TWEET, "likes", bucket_of(1))
    async with engine.open(clock) as other:
        for ver in range(1, 30):
            await asyncio.gather(
                like(stack, 1, ver, on=ver % 2 == 1),
                stack.engagements.recount([bucket]),
                other.engagements.recount([bucket]),
            )
            clock.advance(1)
    await stack.engagements.recount([bucket])
    assert await counts(stack) == Counts(1, 0, 0)


async def test_counts_are_there_after_a_restart(engine: Engine, clock: FakeClock) -> None:
    async with engine.open(clock) as before:
        await like(before, 1, 1)
        await recount(before, TWEET)
    async with engine.open(clock) as after:
        assert await counts(after) == Counts(1, 0, 0)
