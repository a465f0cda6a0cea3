"""EngagementStore: the highest version decides, and only a change has an event."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from core.ids import TweetId, UserId
from eventlog.schema import EDGES
from stores.ports import OutboxRecord
from tests.contracts.engines import Stack, published

ADA, TWEET = UserId(10), TweetId(77)


async def like(stack: Stack, ver: int, *, on: bool, user: UserId = ADA, tweet: TweetId = TWEET) -> bool:
    record = OutboxRecord(EDGES, tweet, f"{user} {'on' if on else 'off'} {ver}".encode())
    written = await stack.engagements.set_like(user, tweet, on=on, ver=ver, outbox=[record])
    return written.changed


async def test_a_like_and_its_removal_change_something_once(stack: Stack) -> None:
    assert await like(stack, 1, on=True)
    assert not await like(stack, 1, on=True)
    assert not await like(stack, 2, on=True)
    assert await like(stack, 3, on=False)
    assert not await like(stack, 4, on=False)
    assert not await like(stack, 2, on=True)
    assert await published(stack, [EDGES]) == [b"10 on 1", b"10 off 3"]


@pytest.mark.parametrize("order", list(itertools.permutations([(1, True), (2, False), (3, True)])))
async def test_the_highest_version_decides_whatever_the_order(
    stack: Stack, order: tuple[tuple[int, bool], ...]
) -> None:
    for ver, on in order:
        await like(stack, ver, on=on)
    assert not await like(stack, 4, on=True)
    assert await like(stack, 5, on=False)


async def test_removing_a_like_that_never_was_is_no_change_and_is_remembered(stack: Stack) -> None:
    assert not await like(stack, 2, on=False)
    assert not await like(stack, 1, on=True)
    assert await published(stack, [EDGES]) == []


async def test_likes_of_others_are_others(stack: Stack) -> None:
    assert await like(stack, 1, on=True)
    assert await like(stack, 1, on=True, user=UserId(11))
    assert await like(stack, 1, on=True, tweet=TweetId(78))


async def test_identical_likes_at_once_are_told_of_as_one(stack: Stack) -> None:
    changes = await asyncio.gather(*(like(stack, 5, on=True) for _ in range(30)))
    # Those who asked at the very same time may each be told that they changed it; later ones are not.
    assert any(changes)
    assert not await like(stack, 5, on=True)
    assert set(await published(stack, [EDGES])) == {b"10 on 5"}


async def test_what_somebody_likes_is_known(stack: Stack) -> None:
    async def liked() -> list[bool]:
        return [
            await stack.engagements.has_liked(user, tweet)
            for user, tweet in ((ADA, TWEET), (UserId(11), TWEET), (ADA, TweetId(78)))
        ]

    assert await liked() == [False, False, False]
    await like(stack, 1, on=True)
    assert await liked() == [True, False, False]
    await like(stack, 3, on=False)
    await like(stack, 2, on=True)
    assert await liked() == [False, False, False]
