"""TweetStore.retweets_since: who of some authors retweeted what, however many others did."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from core.ids import EPOCH_MS, TweetId, UserId, compose_id
from core.types import Tweet
from stores.ports import IdempotentAnswer
from tests.contracts.engines import Stack
from tests.fakes import FakeClock

ADA, GRACE, EVE = UserId(10), UserId(20), UserId(30)
ORIGINAL, OTHER, NOBODYS = TweetId(7), TweetId(8), TweetId(9)
MONTH_MS = 31 * 86_400_000


def id_of(number: int, machine: int = 1) -> int:
    return compose_id(EPOCH_MS + 400_000_000_000 + number * MONTH_MS, 1, machine, 0)


def retweet(number: int, user: int = ADA, original: int = ORIGINAL, machine: int = 1) -> Tweet:
    return Tweet(TweetId(id_of(number, machine)), UserId(user), "", 5, retweet_of=TweetId(original))


async def since(
    stack: Stack, originals: Sequence[int], authors: Sequence[int], number: int = 0
) -> Mapping[int, list[int]]:
    found = await stack.tweets.retweets_since(originals, np.array(authors, np.int64), since=id_of(number))
    assert all(ids.dtype == np.int64 for ids in found.values())
    return {original: sorted(ids.tolist()) for original, ids in found.items()}


async def test_by_these_authors_and_from_that_id_on(stack: Stack) -> None:
    for one in (retweet(1), retweet(2, GRACE), retweet(3, EVE), retweet(4, ADA, OTHER)):
        await stack.tweets.create(one, None, [])
    await stack.tweets.create(Tweet(TweetId(id_of(5)), ADA, "x", 5, reply_to=ORIGINAL), None, [])
    all_of_them = [ORIGINAL, OTHER, NOBODYS]
    assert await since(stack, all_of_them, [ADA, GRACE]) == {
        ORIGINAL: [id_of(1), id_of(2)],
        OTHER: [id_of(4)],
    }
    assert await since(stack, all_of_them, [ADA, GRACE], 2) == {ORIGINAL: [id_of(2)], OTHER: [id_of(4)]}
    assert await since(stack, all_of_them, [ADA, GRACE], 3) == {OTHER: [id_of(4)]}
    assert await since(stack, [ORIGINAL], [EVE], 3) == {ORIGINAL: [id_of(3)]}
    assert await since(stack, [ORIGINAL], [40]) == {}
    assert await since(stack, [ORIGINAL], []) == {}
    assert await since(stack, [], [ADA]) == {}


async def test_deleted_ones_are_not_among_them(stack: Stack) -> None:
    for number in (1, 2):
        await stack.tweets.create(retweet(number), None, [])
        assert await since(stack, [ORIGINAL], [ADA]) == {ORIGINAL: [id_of(number)]}
        await stack.tweets.delete(retweet(number), ver=id_of(number) + 1, outbox=[])
        assert await since(stack, [ORIGINAL], [ADA]) == {}
    await stack.tweets.create(retweet(3), None, [])
    assert await since(stack, [ORIGINAL], [ADA]) == {ORIGINAL: [id_of(3)]}


@pytest.mark.parametrize("others", [3, 260])
async def test_an_original_that_many_retweeted(stack: Stack, others: int) -> None:
    """More than either engine reads of it: it asks about each author instead."""
    await asyncio.gather(
        *(
            stack.tweets.create(retweet(number, 1_000 + number, machine=2), None, [])
            for number in range(others)
        )
    )
    gone = retweet(1, EVE)
    for one in (retweet(2), retweet(60, GRACE), gone, retweet(61, GRACE, OTHER)):
        await stack.tweets.create(one, None, [])
    await stack.tweets.delete(gone, ver=gone.tweet_id + 1, outbox=[])
    assert await since(stack, [ORIGINAL], [ADA, GRACE]) == {ORIGINAL: [id_of(2), id_of(60)]}
    assert await since(stack, [ORIGINAL, OTHER], [GRACE, EVE], 10) == {
        ORIGINAL: [id_of(60)],
        OTHER: [id_of(61)],
    }
    assert await since(stack, [ORIGINAL], [ADA, GRACE, EVE], 61) == {}


async def test_what_was_answered_with_another_is_none(stack: Stack, clock: FakeClock) -> None:
    """A retweet under a key that stands for another write leaves nothing that looks like one."""
    key = IdempotentAnswer("k", "POST /v1/tweets", bytes(32), b"1", clock.now_ms() + 86_400_000)
    await stack.tweets.create(retweet(1), key, [])
    await stack.tweets.create(retweet(2, ADA, OTHER), key, [])
    assert await since(stack, [ORIGINAL, OTHER], [ADA]) == {ORIGINAL: [id_of(1)]}
