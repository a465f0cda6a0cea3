"""One at a time a user; others do not wait, and nothing is remembered."""

from __future__ import annotations

import asyncio

import pytest

from core.ids import UserId
from feed_api.turns import Turns

ADA, GRACE = UserId(1), UserId(2)


async def test_of_one_user_one_at_a_time() -> None:
    turns, inside, most = Turns(), 0, 0

    async def enter() -> None:
        nonlocal inside, most
        async with turns.of(ADA):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(enter() for _ in range(20)))
    assert most == 1


async def test_others_do_not_wait_and_an_error_lets_the_next_one_in() -> None:
    turns = Turns()
    async with turns.of(ADA), turns.of(GRACE):
        pass
    with pytest.raises(ValueError, match="x"):
        async with turns.of(ADA):
            raise ValueError("x")
    async with turns.of(ADA):
        pass
    assert not turns._locks
