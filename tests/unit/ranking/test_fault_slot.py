"""A fault of scoring in one process: as long as its claim says, and never longer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest

from core.errors import Corrupt, Unavailable
from ranking.fault_slot import LATE_S, FaultSlot, FaultyThreads
from ranking.faults import LONGEST_S, Fault, FaultName, FaultStore
from ranking.processes import ProcessReport
from ranking.scorers import MODEL
from tests.fakes import FakeClock


class FakeStore:
    def __init__(self) -> None:
        self.fault: Fault | None = None
        self.away = False

    async def standing(self) -> Fault | None:
        if self.away:
            raise Unavailable("Redis is away")
        return self.fault


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def slot(store: FakeStore, clock: FakeClock) -> FaultSlot:
    return FaultSlot(cast(FaultStore, store), clock)


def fault(clock: FakeClock, for_s: float, name: FaultName = "model", mark: str = "a") -> Fault:
    return Fault(name, clock.now_ms() + round(1000 * for_s), mark)


async def test_a_fault_is_taken_over_and_told(slot: FaultSlot, store: FakeStore, clock: FakeClock) -> None:
    report = ProcessReport(1, "api", 9, None, None, None, 0)
    await slot.poll()
    assert (slot.current(), slot.told(report).fault) == (None, None)
    store.fault = fault(clock, 5, "slow")
    await slot.poll()
    assert (slot.current(), slot.told(report).fault) == ("slow", "slow")
    store.fault = None
    await slot.poll()
    assert slot.current() is None


async def test_it_ends_by_itself_though_redis_is_away(
    slot: FaultSlot, store: FakeStore, clock: FakeClock
) -> None:
    store.fault = fault(clock, 5)
    await slot.poll()
    store.away = True
    clock.advance(4_900)
    await slot.poll()
    assert slot.current() == "model"
    clock.advance(200)
    assert slot.current() is None
    await slot.poll()
    assert slot.current() is None


async def test_a_wall_clock_that_is_set_back_prolongs_nothing(
    slot: FaultSlot, store: FakeStore, clock: FakeClock
) -> None:
    store.fault = fault(clock, 5)
    await slot.poll()
    clock.step_wall(-3_600_000)
    await slot.poll()
    clock.advance(5_000)
    assert slot.current() is None


async def test_no_claim_stands_for_longer_than_may_be(
    slot: FaultSlot, store: FakeStore, clock: FakeClock
) -> None:
    # By a clock that is far ahead of ours.
    store.fault = fault(clock, 1e6)
    await slot.poll()
    clock.advance(round(1000 * LONGEST_S))
    assert slot.current() is None
    # One that this process has seen the end of does not begin anew while its claim is still there.
    await slot.poll()
    assert slot.current() is None
    store.fault = fault(clock, 5, mark="b")
    await slot.poll()
    assert slot.current() == "model"


class _Threads:
    def __init__(self) -> None:
        self.fault: FaultName | None = None
        self.slept: list[float] = []
        self.threads = FaultyThreads(1, "score", lambda: self.fault, self.slept.append)


@pytest.fixture
def scoring() -> Iterator[_Threads]:
    scoring = _Threads()
    with scoring.threads:
        yield scoring


def test_the_threads_do_what_they_are_given(scoring: _Threads) -> None:
    others: list[FaultName | None] = [None, "redis", "features"]
    for scoring.fault in others:
        assert scoring.threads.submit(pow, 2, 3).result() == 8


def test_a_model_that_fails_says_who_wants_it(scoring: _Threads) -> None:
    scoring.fault = "model"
    with pytest.raises(Corrupt, match="rankfeed chaos model"):
        scoring.threads.submit(pow, 2, 3).result()


def test_slow_scoring_comes_too_late_and_is_right(scoring: _Threads) -> None:
    scoring.fault = "slow"
    assert scoring.threads.submit(sorted, [1, 3, 2], reverse=True).result() == [3, 2, 1]
    assert scoring.slept == [LATE_S]
    assert MODEL.deadline_ms < 1000 * LATE_S
