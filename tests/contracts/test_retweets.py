"""TweetStore.create of retweets: at most one of an original by a user; deleted, it makes room."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from core.ids import EPOCH_MS, TweetId, UserId, compose_id
from core.types import Tweet
from eventlog.schema import TWEETS
from stores.ports import IdempotentAnswer, OutboxRecord, Posted
from tests.contracts.engines import Engine, Stack, published
from tests.fakes import FakeClock

ADA, GRACE = UserId(10), UserId(20)
ORIGINAL, OTHER = TweetId(7), TweetId(8)
BASE = compose_id(EPOCH_MS + 400_000_000_000, 1, 1, 0)


def retweet(number: int, user: UserId = ADA, original: TweetId = ORIGINAL) -> Tweet:
    return Tweet(TweetId(BASE + 100 * number), user, "", 5, retweet_of=original)


def answer(clock: FakeClock, number: int, key: str = "k") -> IdempotentAnswer:
    return IdempotentAnswer(
        key, "POST /v1/tweets", bytes([number]) * 32, b"%d" % number, clock.now_ms() + 86_400_000
    )


async def create(stack: Stack, tweet: Tweet, idempotency: IdempotentAnswer | None = None) -> Posted:
    record = OutboxRecord(TWEETS, tweet.author_id, b"%d" % tweet.tweet_id)
    return await stack.tweets.create(tweet, idempotency, [record])


async def delete(stack: Stack, tweet: Tweet) -> None:
    await stack.tweets.delete(tweet, ver=tweet.tweet_id + 1, outbox=[])


async def newest(stack: Stack, user: UserId = ADA) -> list[int]:
    return list(await stack.tweets.newest_ids(np.array([user]), before=None, limit=50))


async def test_a_second_retweet_answers_with_the_first(stack: Stack) -> None:
    first = retweet(1)
    assert await create(stack, first) == Posted()
    assert await create(stack, retweet(2)) == Posted(retweet=first)
    assert await newest(stack) == [first.tweet_id]
    assert await stack.tweets.get_many([retweet(2).tweet_id]) == {}
    assert set(await published(stack, [TWEETS])) == {b"%d" % first.tweet_id}


async def test_the_same_retweet_again_is_no_second_one(stack: Stack, clock: FakeClock) -> None:
    assert await create(stack, retweet(1)) == Posted()
    clock.advance(1)
    assert await create(stack, retweet(1)) == Posted()
    assert await newest(stack) == [retweet(1).tweet_id]


async def test_others_and_other_originals_are_others(stack: Stack) -> None:
    for tweet in (retweet(1), retweet(2, GRACE), retweet(3, ADA, OTHER)):
        assert await create(stack, tweet) == Posted()
    assert await newest(stack) == [retweet(3).tweet_id, retweet(1).tweet_id]


async def test_a_deleted_retweet_makes_room_for_another(stack: Stack) -> None:
    for number in range(1, 6):
        tweet = retweet(number)
        assert await create(stack, tweet) == Posted()
        assert await create(stack, retweet(50)) == Posted(retweet=tweet)
        assert await newest(stack) == [tweet.tweet_id]
        await delete(stack, tweet)
        assert await newest(stack) == []


async def test_a_late_repeat_of_a_deleted_retweet_adds_nothing(stack: Stack) -> None:
    await create(stack, retweet(1))
    await delete(stack, retweet(1))
    assert await create(stack, retweet(1)) == Posted()
    assert await newest(stack) == []
    assert await create(stack, retweet(2)) == Posted()
    assert await newest(stack) == [retweet(2).tweet_id]
    assert await create(stack, retweet(1)) == Posted(retweet=retweet(2))
    assert await newest(stack) == [retweet(2).tweet_id]


@pytest.mark.parametrize("keyed", [False, True])
async def test_of_many_at_once_one_stands_and_all_answer_with_it(
    stack: Stack, engine: Engine, clock: FakeClock, keyed: bool
) -> None:
    async with engine.open(clock) as other:
        posted = await asyncio.gather(
            *(
                create(
                    other if number % 2 else stack,
                    retweet(number),
                    answer(clock, number, key=f"k{number}") if keyed else None,
                )
                for number in range(1, 21)
            )
        )
    assert posted.count(Posted()) == 1
    standing = retweet(posted.index(Posted()) + 1)
    assert {one.retweet for one in posted if one != Posted()} == {standing}
    assert await newest(stack) == [standing.tweet_id]
    # Those that were not written left their keys unused.
    for number in range(1, 21):
        first = await stack.answers.first(ADA, f"k{number}", clock.now_ms())
        assert (first is not None) == (keyed and retweet(number) == standing)


async def test_a_key_used_again_is_answered_as_the_first_time(stack: Stack, clock: FakeClock) -> None:
    first = answer(clock, 1)
    assert await create(stack, retweet(1), first) == Posted()
    assert await create(stack, retweet(2), answer(clock, 2)) == Posted(first)
    assert await create(stack, retweet(3, original=OTHER), answer(clock, 3)) == Posted(first)
    # The retweet was not made, so its original is free.
    assert await create(stack, retweet(4, original=OTHER)) == Posted()
    await delete(stack, retweet(1))
    assert await create(stack, retweet(5), answer(clock, 5)) == Posted(first)
    assert await newest(stack) == [retweet(4).tweet_id]


async def test_a_key_used_by_many_at_once_makes_one_retweet(stack: Stack, clock: FakeClock) -> None:
    posted = await asyncio.gather(
        *(create(stack, retweet(number), answer(clock, number)) for number in range(1, 21))
    )
    assert posted.count(Posted()) == 1
    winner = posted.index(Posted()) + 1
    assert {one.first for one in posted if one != Posted()} == {answer(clock, winner)}
    assert await newest(stack) == [retweet(winner).tweet_id]


async def test_one_key_for_two_originals_at_once_makes_one_retweet(stack: Stack, clock: FakeClock) -> None:
    for turn in range(10):
        tweets = [retweet(10 * turn + n, original=TweetId(1_000 + 2 * turn + n)) for n in range(2)]
        posted = await asyncio.gather(
            *(create(stack, tweet, answer(clock, n, key=f"k{turn}")) for n, tweet in enumerate(tweets))
        )
        assert posted.count(Posted()) == 1
        loser = tweets[1 - posted.index(Posted())]
        assert list(await stack.tweets.get_many([tweet.tweet_id for tweet in tweets])) != [loser.tweet_id]
        # What was not made does not stand in the way.
        again = Tweet(TweetId(loser.tweet_id + 50), ADA, "", 5, retweet_of=loser.retweet_of)
        assert await create(stack, again) == Posted()


async def test_what_was_answered_with_another_never_takes_place(stack: Stack, clock: FakeClock) -> None:
    first = answer(clock, 1)
    await create(stack, retweet(1), first)
    assert await create(stack, retweet(2, original=OTHER), answer(clock, 2)) == Posted(first)
    # Not even when its key is free again.
    clock.advance(86_400_000)
    assert await create(stack, retweet(3, original=OTHER)) == Posted()
    assert await newest(stack) == [retweet(3).tweet_id, retweet(1).tweet_id]


async def test_the_answer_of_a_second_retweet_can_be_kept_for_its_key(stack: Stack, clock: FakeClock) -> None:
    await create(stack, retweet(1))
    assert await create(stack, retweet(2), answer(clock, 2)) == Posted(retweet=retweet(1))
    mine = answer(clock, 1)
    assert await stack.answers.keep(ADA, mine) is None
    assert await stack.answers.keep(ADA, answer(clock, 9)) == mine
    await delete(stack, retweet(1))
    assert await create(stack, retweet(3), answer(clock, 3)) == Posted(mine)
    assert await newest(stack) == []
