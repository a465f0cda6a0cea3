"""UserStore: who was here lately, by day."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from core.ids import MAX_ID, UserId
from stores.ports import UserStore
from tests.contracts.engines import Engine, Stack
from tests.fakes import FakeClock

DAY = 19_675


def users(*numbers: int) -> Sequence[UserId]:
    return [UserId(number) for number in numbers]


async def active(store: UserStore, day: int, *, limit: int = 1_000) -> list[int]:
    """Everybody of a day, page by page; each page is in order, and none is longer than was asked for."""
    found: list[int] = []
    while len(page := await store.active(day, after=found[-1] if found else 0, limit=limit)):
        assert len(page) <= limit
        found += page.tolist()
    assert found == sorted(set(found))
    return found


async def test_who_was_here_on_a_day_is_found_on_it(stack: Stack) -> None:
    await stack.users.seen(users(3, 1, MAX_ID), DAY)
    assert await active(stack.users, DAY) == [1, 3, MAX_ID]
    assert await active(stack.users, DAY - 1) == await active(stack.users, DAY + 1) == []


async def test_noting_again_changes_nothing(stack: Stack) -> None:
    for _ in range(2):
        await stack.users.seen(users(1, 2, 1), DAY)
    await asyncio.gather(*(stack.users.seen(users(2), DAY) for _ in range(5)))
    assert await active(stack.users, DAY) == [1, 2]


async def test_nobody_is_noted_by_a_call_without_anybody(stack: Stack) -> None:
    await stack.users.seen([], DAY)
    assert await active(stack.users, DAY) == []


async def test_who_was_here_on_many_days_is_found_on_the_last_of_them_at_least(stack: Stack) -> None:
    for day in (DAY - 3, DAY, DAY - 1):
        await stack.users.seen(users(7), day)
    await stack.users.seen(users(8), DAY - 3)
    assert await active(stack.users, DAY) == [7]
    assert 8 in await active(stack.users, DAY - 3)


async def test_a_day_is_there_until_it_is_eight_days_past(stack: Stack) -> None:
    # Not in order: what a process noted late is kept as well.
    for past in (8, 0, 4):
        await stack.users.seen(users(100 + past), DAY - past)
    for past in (8, 0, 4):
        assert await active(stack.users, DAY - past) == [100 + past]


@pytest.mark.parametrize("limit", [1, 7, 1_000])
async def test_pages_hold_everybody_once(stack: Stack, limit: int) -> None:
    # Ids of one machine and moment lie close together, those of others far away.
    wanted = sorted({*range(1, 40), *range(2**50, 2**50 + 40)})
    await stack.users.seen(users(*wanted), DAY)
    assert await active(stack.users, DAY, limit=limit) == wanted


async def test_a_thousand_are_noted_in_one_call_and_read_by_another_process(
    stack: Stack, engine: Engine, clock: FakeClock
) -> None:
    wanted = list(range(1, 1_001))
    await stack.users.seen(users(*wanted), DAY)
    async with engine.open(clock) as other:
        assert await active(other.users, DAY) == wanted
        await other.users.seen(users(5_000), DAY)
    assert await active(stack.users, DAY) == [*wanted, 5_000]
