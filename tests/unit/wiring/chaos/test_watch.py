"""What clients are told of ranked feeds while something is disturbed, and when it counts as over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from core.errors import Unavailable
from tests.e2e.waiting import eventually
from tests.fakes import FakeClock
from wiring.chaos.act import RungSeen
from wiring.chaos.watch import CALM_S, ENOUGH, NotFull, Watch

BUSY = "ranking_busy"


class Feed:
    """A feed by hand: what it answers, and None for a 503. Each answer takes a while, by the clock."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.says: tuple[str, str | None] | None = ("full", None)
        self.asked = 0

    async def page(self) -> dict[str, Any]:
        self.asked += 1
        self.clock.advance(100)
        if self.says is None:
            raise Unavailable("503")
        rung, reason = self.says
        return {"meta": {"rung": rung, "reason": reason}}


@pytest.fixture
def feed() -> Feed:
    return Feed(FakeClock())


def watch_of(feed: Feed, **options: Any) -> Watch:
    return Watch([feed.page], feed.clock, 0.0, **options)


@asynccontextmanager
async def running(watch: Watch) -> AsyncIterator[None]:
    task = asyncio.create_task(watch.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(done: Callable[[], bool]) -> None:
    async def so() -> bool:
        return done()

    await eventually("it is so", so)


async def test_it_is_over_with_the_first_page_since_which_all_were_full(feed: Feed) -> None:
    watch = watch_of(feed)
    feed.says = ("cached", "model_failed")
    async with running(watch):
        await until(lambda: feed.asked > 3)
        feed.says = ("full", None)
        since_s = await watch.full_again(patience_s=1_000)
    full = [one.at_s for one in watch.rungs if one.rung == "full"]
    assert since_s == full[0] > max(one.at_s for one in watch.rungs if one.rung != "full")
    assert len(full) >= ENOUGH
    assert full[-1] - full[0] >= CALM_S
    assert watch.rungs[0][1:] == ("cached", "model_failed")


async def test_a_refusal_is_no_page_and_begins_the_wait_anew(feed: Feed) -> None:
    watch = watch_of(feed)
    async with running(watch):
        await until(lambda: len(watch.rungs) > 10)
        feed.says = None
        await until(lambda: watch.refused > 2)
        refused_s = watch.now_s()
        feed.says = ("full", None)
        assert await watch.full_again(patience_s=1_000) >= refused_s


async def test_what_was_full_before_does_not_count(feed: Feed) -> None:
    watch = watch_of(feed)
    async with running(watch):
        await until(lambda: len(watch.rungs) > 10)
        watch.forget_calm()
        forgotten_s = watch.now_s()
        assert await watch.full_again(patience_s=1_000) > forgotten_s


async def test_feeds_that_do_not_come_back_are_told(feed: Feed) -> None:
    watch = watch_of(feed)
    feed.says = ("cached", "features_missing")
    async with running(watch):
        with pytest.raises(NotFull, match=r"after 30 s ranked feeds are cached \(features_missing\)"):
            await watch.full_again(patience_s=30)


@pytest.mark.parametrize("load", [frozenset[str](), frozenset({BUSY})])
async def test_a_page_for_want_of_time_is_the_fault_or_is_not(feed: Feed, load: frozenset[str]) -> None:
    watch = watch_of(feed, load=load)
    async with running(watch):
        await until(lambda: len(watch.rungs) > 2)
        feed.says = ("cached", BUSY)
        if load:
            await watch.full_again(patience_s=1_000)
        else:
            await until(lambda: watch.summary(len(watch.rungs) - 1) == f"cached ({BUSY})")
            with pytest.raises(NotFull):
                await watch.full_again(patience_s=30)


def test_rungs_are_summed_up_the_most_frequent_first(feed: Feed) -> None:
    watch = watch_of(feed)
    assert watch.summary(0) == "not answered"
    watch.rungs += [RungSeen(0.0, "full", "")] * 2
    assert watch.summary(0) == "full"
    watch.rungs += [RungSeen(0.0, "cached", "model_slow")] * 3
    assert watch.summary(0) == "3 cached (model_slow), 2 full"
    assert watch.summary(3) == "cached (model_slow)"
