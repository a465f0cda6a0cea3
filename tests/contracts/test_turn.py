"""Whose turn it is: one at a time as long as clocks run alike, and never nobody's for long."""

from __future__ import annotations

import pytest

from core.errors import Unavailable
from stores.turn import RENEWAL_S, TURN_S, Turn
from tests.contracts.engines import Stack
from tests.fakes import FakeClock

KEY = "some/work"


def turns(stack: Stack, *owners: str) -> tuple[FakeClock, list[Turn]]:
    clock = FakeClock()
    return clock, [Turn(stack.control, clock, KEY, owner) for owner in owners]


async def test_the_first_has_it_as_long_as_it_asks(stack: Stack) -> None:
    clock, (one, other) = turns(stack, "one", "other")
    for _ in range(20):
        assert await one.is_ours()
        assert not await other.is_ours()
        clock.advance(1_000)


async def test_one_that_dies_is_followed_once_it_has_been_silent_for_a_turn(stack: Stack) -> None:
    clock, (one, other) = turns(stack, "one", "other")
    assert await one.is_ours()
    assert not await other.is_ours()
    clock.advance(int(TURN_S * 1000) - 1)
    assert not await other.is_ours()
    clock.advance(1)
    assert await other.is_ours()
    assert not await one.is_ours()


async def test_who_comes_back_under_the_same_name_goes_on_at_once(stack: Stack) -> None:
    _, (one, again) = turns(stack, "one", "one")
    assert await one.is_ours()
    assert await again.is_ours()


async def test_it_is_passed_on(stack: Stack) -> None:
    _, (one, other) = turns(stack, "one", "other")
    assert await one.is_ours()
    await other.pass_on()
    assert not await other.is_ours()
    await one.pass_on()
    assert await other.is_ours()
    assert not await one.is_ours()


async def test_clocks_apart_by_an_hour_do_no_harm(stack: Stack) -> None:
    clock, (one,) = turns(stack, "one")
    ahead = FakeClock(now_ms=clock.now_ms() + 3_600_000, monotonic_s=9.0)
    other = Turn(stack.control, ahead, KEY, "other")
    for _ in range(10):
        assert await one.is_ours()
        assert not await other.is_ours()
        clock.advance(2_000)
        ahead.advance(2_000)


async def test_of_two_who_take_it_at_once_one_has_it(stack: Stack) -> None:
    clock, (one, other, third) = turns(stack, "one", "other", "third")
    assert await third.is_ours()
    assert [await one.is_ours(), await other.is_ours()] == [False, False]
    clock.advance(int(TURN_S * 1000))
    assert [await one.is_ours(), await other.is_ours()] == [True, False]


async def test_while_the_store_is_away_it_is_nobodys(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, (one,) = turns(stack, "one")
    assert await one.is_ours()
    clock.advance(int(RENEWAL_S * 1000))

    async def away(*_: object, **__: object) -> bool:
        raise Unavailable("the store is away")

    with monkeypatch.context() as patch:
        patch.setattr(stack.control, "compare_and_set", away)
        for _ in range(2):
            with pytest.raises(Unavailable):
                await one.is_ours()
        # It does not know whether it still has it.
        await one.pass_on()
    assert await one.is_ours()
