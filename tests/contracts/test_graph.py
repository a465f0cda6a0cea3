"""GraphStore: the highest version decides, whatever the order, and only a change has an event."""

from __future__ import annotations

import asyncio
import itertools

import numpy as np
import pytest

from core.ids import MAX_ID, UserId
from eventlog.schema import GRAPH
from stores.ports import OutboxRecord
from tests.contracts.engines import Stack, published
from tests.fakes import FakeClock

ADA, GRACE, MARY = UserId(10), UserId(20), UserId(30)


async def follow(stack: Stack, follower: UserId, followee: UserId, ver: int, *, on: bool = True) -> bool:
    record = OutboxRecord(GRAPH, follower, f"{follower}>{followee} {'on' if on else 'off'} {ver}".encode())
    written = await stack.graph.set_follow(follower, followee, on=on, ver=ver, outbox=[record])
    return written.changed


async def test_both_directions_are_there(stack: Stack) -> None:
    assert await follow(stack, ADA, MARY, 1)
    assert await follow(stack, ADA, GRACE, 2)
    assert await follow(stack, GRACE, MARY, 3)
    followees = await stack.graph.followees(ADA)
    assert followees.ids.dtype == np.int64
    assert followees.ids.tolist() == [GRACE, MARY]
    assert (await stack.graph.follower_page(MARY, after=0, limit=10)).tolist() == [ADA, GRACE]


async def test_who_follows_nobody_has_an_empty_array(stack: Stack) -> None:
    followees = await stack.graph.followees(ADA)
    assert followees.ids.dtype == np.int64
    assert followees.ids.shape == (0,)
    assert followees.ver == 0
    page = await stack.graph.follower_page(ADA, after=0, limit=10)
    assert page.dtype == np.int64
    assert page.shape == (0,)


async def test_followers_come_in_pages_without_a_gap_or_a_repeat(stack: Stack) -> None:
    followers = [3, 5, 8, 13, 21, 34, MAX_ID]
    for ver, follower in enumerate(reversed(followers), start=1):
        await follow(stack, UserId(follower), ADA, ver)
    await follow(stack, UserId(8), ADA, 100, on=False)
    seen: list[int] = []
    while (page := await stack.graph.follower_page(ADA, after=seen[-1] if seen else 0, limit=2)).size:
        assert page.size <= 2
        seen += page.tolist()
    assert seen == [3, 5, 13, 21, 34, MAX_ID]


@pytest.mark.parametrize(
    "order", list(itertools.permutations([(1, True), (2, False), (3, True), (4, False)]))
)
async def test_the_highest_version_decides_whatever_the_order(
    stack: Stack, order: tuple[tuple[int, bool], ...]
) -> None:
    for ver, on in order:
        await follow(stack, ADA, GRACE, ver, on=on)
    followees = await stack.graph.followees(ADA)
    assert followees.ids.tolist() == []
    assert followees.ver == 4
    assert (await stack.graph.follower_page(GRACE, after=0, limit=10)).tolist() == []


async def test_an_older_or_equal_version_changes_nothing(stack: Stack) -> None:
    assert await follow(stack, ADA, GRACE, 5)
    assert not await follow(stack, ADA, GRACE, 4, on=False)
    assert not await follow(stack, ADA, GRACE, 5, on=False)
    assert not await follow(stack, ADA, GRACE, 5)
    assert (await stack.graph.followees(ADA)).ids.tolist() == [GRACE]


async def test_an_unfollow_that_overtook_its_follow_stays(stack: Stack) -> None:
    assert not await follow(stack, ADA, GRACE, 2, on=False)
    assert not await follow(stack, ADA, GRACE, 1)
    assert (await stack.graph.followees(ADA)).ids.tolist() == []
    assert await follow(stack, ADA, GRACE, 3)


async def test_only_a_change_is_published(stack: Stack) -> None:
    await follow(stack, ADA, GRACE, 1, on=False)
    await follow(stack, ADA, GRACE, 2)
    await follow(stack, ADA, GRACE, 3)
    await follow(stack, ADA, GRACE, 1, on=False)
    await follow(stack, ADA, GRACE, 4, on=False)
    assert await published(stack, [GRAPH]) == [b"10>20 on 2", b"10>20 off 4"]


async def test_the_version_is_that_of_the_newest_change_unfollows_included(stack: Stack) -> None:
    await follow(stack, ADA, GRACE, 7)
    await follow(stack, ADA, MARY, 3)
    assert (await stack.graph.followees(ADA)).ver == 7
    await follow(stack, ADA, MARY, 9, on=False)
    assert (await stack.graph.followees(ADA)).ver == 9


async def test_of_many_at_once_the_highest_version_wins(stack: Stack, clock: FakeClock) -> None:
    versions = [*range(1, 60, 2), *range(60, 0, -2)]
    changes = await asyncio.gather(*(follow(stack, ADA, GRACE, ver, on=ver % 2 == 0) for ver in versions))
    assert (await stack.graph.followees(ADA)).ids.tolist() == [GRACE]
    clock.advance(5_000)
    await stack.recover()
    told = {
        b"10>20 %s %d" % (b"off" if ver % 2 else b"on", ver)
        for ver, changed in zip(versions, changes, strict=True)
        if changed
    }
    assert set(await published(stack, [GRAPH])) == told
