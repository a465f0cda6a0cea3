"""Many at once, none before its turn."""

from __future__ import annotations

import asyncio

import pytest

from simulation.together import AT_ONCE, together

CALLS = 3 * AT_ONCE


class Calls:
    def __init__(self) -> None:
        self.made = 0
        self.go = asyncio.Event()

    async def call(self, number: int) -> int:
        await self.go.wait()
        return number

    def make(self, number: int) -> asyncio.Task[int]:
        self.made += 1
        return asyncio.create_task(self.call(number))


async def test_answers_are_in_the_order_of_the_calls_and_calls_are_made_in_turn() -> None:
    calls = Calls()
    answers = asyncio.create_task(together(calls.make(number) for number in range(CALLS)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert calls.made == AT_ONCE
    calls.go.set()
    assert await answers == list(range(CALLS))


async def test_what_is_given_up_makes_no_more_calls() -> None:
    calls = Calls()
    answers = asyncio.create_task(together(calls.make(number) for number in range(CALLS)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    answers.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answers
    assert calls.made == AT_ONCE
