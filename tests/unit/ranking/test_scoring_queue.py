"""So many at a time, so many that wait, none for longer than it may; who is gone holds nothing."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from core.deadline import Deadline
from core.ids import UserId
from core.timings import Timings
from ranking.query import FeedQuery
from ranking.scoring_queue import FULL, QUEUE, ScoringQueue
from ranking.stages import StageFailed
from tests.fakes import FakeClock

LONG_MS = 60_000.0


def query(deadline_ms: float = 2 * LONG_MS) -> FeedQuery:
    clock = FakeClock()
    deadline = Deadline.after_ms(deadline_ms, clock)
    return FeedQuery(UserId(7), 3, "ranked", None, uuid.UUID(int=1), 1, deadline, Timings(clock))


class Work:
    """Holds a place until it is let go."""

    def __init__(self, queue: ScoringQueue, patience_ms: float = LONG_MS) -> None:
        self.began, self.end = asyncio.Event(), asyncio.Event()
        self.task = asyncio.create_task(self._run(queue, patience_ms))

    async def _run(self, queue: ScoringQueue, patience_ms: float) -> None:
        async with queue.place(query(), patience_ms):
            self.began.set()
            await self.end.wait()


async def turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def refused(queue: ScoringQueue, patience_ms: float = 0.0, deadline_ms: float = LONG_MS) -> None:
    with pytest.raises(StageFailed) as caught:
        async with queue.place(query(deadline_ms), patience_ms):
            raise AssertionError("there was a place")
    assert (caught.value.stage, caught.value.reason) == (QUEUE, FULL)


async def test_places_are_given_in_the_order_of_asking() -> None:
    queue = ScoringQueue(2, 2)
    works = [Work(queue) for _ in range(4)]
    await turn()
    assert [work.began.is_set() for work in works] == [True, True, False, False]
    works[1].end.set()
    await turn()
    assert [work.began.is_set() for work in works] == [True, True, True, False]
    for work in works:
        work.end.set()
        await work.task


async def test_who_would_wait_too_long_or_behind_too_many_is_told_so() -> None:
    queue = ScoringQueue(1, 1)
    first = Work(queue)
    await turn()
    await refused(queue, patience_ms=0.0)
    await refused(queue, patience_ms=LONG_MS, deadline_ms=0.0)
    second = Work(queue)
    await turn()
    # At once, however patient.
    await refused(queue, patience_ms=LONG_MS)
    first.end.set()
    second.end.set()
    await asyncio.gather(first.task, second.task)
    async with queue.place(query(), 0.0):
        pass


async def test_who_is_cancelled_leaves_the_queue_and_the_place() -> None:
    queue = ScoringQueue(1, 1)
    first, second = Work(queue), Work(queue)
    await turn()
    second.task.cancel()
    await turn()
    third = Work(queue)
    await turn()
    first.task.cancel()
    await turn()
    assert third.began.is_set()
    third.end.set()
    await third.task
    assert (first.task.cancelled(), second.task.cancelled()) == (True, True)


async def test_a_place_is_left_by_an_error_too() -> None:
    queue = ScoringQueue(1, 0)
    with pytest.raises(StageFailed, match="model"):
        async with queue.place(query(), 0.0):
            raise StageFailed("model", "model_failed")
    async with queue.place(query(), 0.0):
        pass
