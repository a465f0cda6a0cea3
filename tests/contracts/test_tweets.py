"""TweetStore: one tweet per idempotency key, its event with it, and each author's newest."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from core.ids import EPOCH_MS, MAX_ID, TweetId, UserId, compose_id
from core.types import Tweet
from eventlog.schema import TWEETS
from stores.ports import IdempotentAnswer, OutboxRecord, Posted
from tests.contracts.engines import Engine, Stack, published
from tests.fakes import FakeClock

ADA, GRACE = UserId(10), UserId(20)
TTL_MS = 86_400_000


def tweet(number: int, author: UserId = ADA) -> Tweet:
    return Tweet(TweetId(number), author, f"№ {number} 🎉", 1_700_000_000_000)


def answer(clock: FakeClock, key: str, number: int) -> IdempotentAnswer:
    return IdempotentAnswer(
        key, "POST /v1/tweets", bytes([number]) * 32, b"%d" % number, clock.now_ms() + TTL_MS
    )


async def create(
    stack: Stack, number: int, idempotency: IdempotentAnswer | None = None
) -> IdempotentAnswer | None:
    record = OutboxRecord(TWEETS, ADA, b"%d" % number)
    return (await stack.tweets.create(tweet(number), idempotency, [record])).first


async def test_what_was_created_is_read_back(stack: Stack) -> None:
    plain = tweet(1)
    reply = Tweet(TweetId(MAX_ID), GRACE, "", 5, reply_to=TweetId(1), retweet_of=TweetId(2))
    assert await stack.tweets.create(plain, None, []) == Posted()
    assert await stack.tweets.create(reply, None, []) == Posted()
    assert await stack.tweets.get_many([1, 3, MAX_ID]) == {1: plain, MAX_ID: reply}
    assert await stack.tweets.get_many([]) == {}


async def test_the_same_tweet_again_changes_nothing(stack: Stack) -> None:
    await create(stack, 1)
    assert await create(stack, 1) is None
    assert await stack.tweets.get_many([1]) == {1: tweet(1)}
    assert set(await published(stack, [TWEETS])) == {b"1"}


async def test_a_key_used_again_is_answered_as_the_first_time(stack: Stack, clock: FakeClock) -> None:
    first = answer(clock, "k", 1)
    assert await create(stack, 1, first) is None
    clock.advance(TTL_MS - 1)
    assert await create(stack, 2, answer(clock, "k", 2)) == first
    assert await stack.answers.first(ADA, "k", clock.now_ms()) == first
    assert list(await stack.tweets.get_many([1, 2])) == [1]
    assert await published(stack, [TWEETS]) == [b"1"]


async def test_a_key_used_by_many_at_once_makes_one_tweet(stack: Stack, clock: FakeClock) -> None:
    answers = await asyncio.gather(
        *(create(stack, number, answer(clock, "k", number)) for number in range(1, 31))
    )
    assert answers.count(None) == 1
    winner = answers.index(None) + 1
    assert {one for one in answers if one is not None} == {answer(clock, "k", winner)}
    assert list(await stack.tweets.get_many(list(range(1, 31)))) == [winner]
    assert await published(stack, [TWEETS]) == [b"%d" % winner]


async def test_a_key_used_by_two_processes_at_once_makes_one_tweet(
    stack: Stack, engine: Engine, clock: FakeClock
) -> None:
    async with engine.open(clock) as other:
        answers = await asyncio.gather(
            *(
                create(other if number % 2 else stack, number, answer(clock, "k", number))
                for number in range(1, 31)
            )
        )
    assert answers.count(None) == 1
    assert len(await stack.tweets.get_many(list(range(1, 31)))) == 1


async def test_an_expired_key_is_free_again(stack: Stack, clock: FakeClock) -> None:
    await create(stack, 1, answer(clock, "k", 1))
    clock.advance(TTL_MS)
    assert await stack.answers.first(ADA, "k", clock.now_ms()) is None
    second = answer(clock, "k", 2)
    assert await create(stack, 2, second) is None
    assert await stack.answers.first(ADA, "k", clock.now_ms()) == second
    assert sorted(await stack.tweets.get_many([1, 2])) == [1, 2]


async def test_keys_belong_to_their_user_and_are_compared_exactly(stack: Stack, clock: FakeClock) -> None:
    await create(stack, 1, answer(clock, "k", 1))
    assert await stack.tweets.create(tweet(2, GRACE), answer(clock, "k", 2), []) == Posted()
    assert await create(stack, 3, answer(clock, "K", 3)) is None
    assert await create(stack, 4, answer(clock, "k ", 4)) is None
    assert await stack.answers.first(GRACE, "other", clock.now_ms()) is None


async def test_an_answer_survives_a_restart(engine: Engine, clock: FakeClock) -> None:
    first = answer(clock, "k", 1)
    async with engine.open(clock) as before:
        await create(before, 1, first)
    async with engine.open(clock) as after:
        assert await create(after, 2, answer(clock, "k", 2)) == first


async def authored(stack: Stack) -> None:
    for author in (ADA, GRACE, UserId(30)):
        for number in range(5):
            await stack.tweets.create(tweet(author * 100 + number, author), None, [])
    await stack.tweets.create(tweet(MAX_ID, UserId(30)), None, [])


@pytest.mark.parametrize(
    ("authors", "before", "limit", "expected"),
    [
        ([ADA], None, 2, [1004, 1003]),
        ([ADA, GRACE], None, 2, [2004, 2003]),
        ([GRACE, ADA], None, 7, [2004, 2003, 2002, 2001, 2000, 1004, 1003]),
        ([ADA, GRACE], 2001, 3, [2000, 1004, 1003]),
        ([ADA], 1000, 5, []),
        ([ADA], 1004, 100, [1003, 1002, 1001, 1000]),
        ([30], None, 1, [MAX_ID]),
        ([30], MAX_ID, 1, [3004]),
        ([99], None, 5, []),
        ([], None, 5, []),
    ],
)
async def test_the_newest_of_all_authors_below_a_bound(
    stack: Stack, authors: list[int], before: int | None, limit: int, expected: list[int]
) -> None:
    await authored(stack)
    ids = await stack.tweets.newest_ids(np.array(authors, np.int64), before=before, limit=limit)
    assert ids.dtype == np.int64
    assert ids.tolist() == expected


MONTH_MS = 31 * 86_400_000


async def test_a_users_timeline_is_read_page_by_page_to_its_end(stack: Stack) -> None:
    """Over months of silence, and over months of which nothing is left."""
    ids = [
        compose_id(EPOCH_MS + 400_000_000_000 + month * MONTH_MS, 1, 1, number)
        for month in (0, 1, 2, 9, 10, 40, 41)
        for number in range(3)
    ]
    for id_ in ids:
        await stack.tweets.create(tweet(id_), None, [])
    gone = [*ids[6:9], ids[12], *ids[15:18]]
    for id_ in gone:
        await stack.tweets.delete(tweet(id_), ver=id_ + 1, outbox=[])
    seen: list[int] = []
    before = None
    while (page := await stack.tweets.newest_ids(np.array([ADA]), before=before, limit=2)).size:
        seen += page.tolist()
        before = seen[-1]
        assert page.size == 2 or before == ids[0]
    assert seen == sorted(set(ids) - set(gone), reverse=True)
