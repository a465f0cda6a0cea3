"""TweetStore.newest_ids over hundreds of authors and months, as cold timelines and ends of history ask it."""

from __future__ import annotations

import asyncio
import random

import numpy as np

from core.ids import TweetId, UserId, compose_id
from core.types import Tweet
from tests.contracts.engines import Engine, Stack
from tests.fakes import FakeClock

AUTHORS = range(1_000, 1_300)
POSTS = 500
DAYS = 100
DAY_MS = 86_400_000


def tweet_at(at_ms: int, number: int, author: int) -> Tweet:
    return Tweet(TweetId(compose_id(at_ms, 1, 1, number)), UserId(author), "", at_ms)


async def newest(stack: Stack, authors: list[int], before: int | None, limit: int) -> list[int]:
    ids: list[int] = (
        await stack.tweets.newest_ids(np.array(authors, np.int64), before=before, limit=limit)
    ).tolist()
    return ids


async def test_the_newest_of_hundreds(stack: Stack, clock: FakeClock) -> None:
    """A few of them wrote most; some wrote nothing, or what they wrote is gone."""
    randomness = random.Random(5)
    talkative = [author for author in AUTHORS for _ in range(int(randomness.paretovariate(0.8)))]
    tweets = [
        tweet_at(
            clock.now_ms() - randomness.randrange(DAYS * DAY_MS), number, randomness.choice(talkative[20:])
        )
        for number in range(POSTS)
    ]
    await asyncio.gather(*(stack.tweets.create(tweet, None, []) for tweet in tweets))
    gone = randomness.sample(tweets, POSTS // 10)
    await asyncio.gather(*(stack.tweets.delete(tweet, ver=tweet.tweet_id + 1, outbox=[]) for tweet in gone))
    left = sorted({tweet.tweet_id for tweet in tweets} - {tweet.tweet_id for tweet in gone}, reverse=True)
    everybody = list(AUTHORS)
    for limit in (20, 200, 800):
        assert await newest(stack, everybody, None, limit) == left[:limit]
        assert await newest(stack, everybody, left[100], limit) == left[101 : 101 + limit]
    # Page by page to the end.
    seen: list[int] = []
    while page := await newest(stack, everybody, seen[-1] if seen else None, 150):
        seen += page
    assert seen == left


async def test_a_month_that_another_process_begins_is_read(
    stack: Stack, engine: Engine, clock: FakeClock
) -> None:
    everybody = list(AUTHORS)
    first = tweet_at(clock.now_ms(), 1, 1_001)
    following = tweet_at(clock.now_ms() + 40 * DAY_MS, 2, 1_002)
    await stack.tweets.create(first, None, [])
    assert await newest(stack, everybody, None, 5) == [first.tweet_id]
    async with engine.open(clock) as other:
        await other.tweets.create(following, None, [])
    # And one of the month before comes after it.
    late = tweet_at(clock.now_ms() + DAY_MS, 3, 1_003)
    await stack.tweets.create(late, None, [])
    expected = [following.tweet_id, late.tweet_id, first.tweet_id]
    assert await newest(stack, everybody, None, 5) == expected
    assert await newest(stack, everybody, following.tweet_id, 5) == expected[1:]
