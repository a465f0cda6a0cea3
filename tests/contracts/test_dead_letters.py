"""Looking at the log, replaying it, and its dead letters: the same on every log."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from core.clock import SystemClock
from core.errors import NotFound
from eventlog.dead_letters import DeadLetters
from eventlog.log import Entry, OperatedLog, next_offsets
from eventlog.reading import as_json, read, replay, tail
from eventlog.schema import DEAD_LETTERS, GRAPH, VIEWS, FollowSet, record_of
from eventlog.worker import Arrived, Worker, WorkerOptions
from stores.ports import OutboxRecord
from tests.contracts.log_engines import drain

CLOCK = SystemClock()


class Ids:
    """Rising ids."""

    def __init__(self) -> None:
        self._last = 1_000

    def __call__(self) -> int:
        self._last += 1
        return self._last


class Refusing:
    """A handler that cannot stand some followees, until it is told otherwise."""

    def __init__(self, refused: set[int], stop: asyncio.Event, count: int) -> None:
        self.refused = refused
        self.handled: list[int] = []
        self._stop = stop
        self._left = count

    async def handle(self, batch: Sequence[Arrived]) -> None:
        numbers = [one.event.b for one in batch if isinstance(one.event, FollowSet)]
        if self.refused & set(numbers):
            if len(batch) == 1:
                self._seen(1)
            raise ValueError("no")
        self.handled += numbers
        self._seen(len(numbers))

    def _seen(self, count: int) -> None:
        self._left -= count
        if self._left <= 0:
            self._stop.set()


def follows(*numbers: int) -> list[OutboxRecord]:
    return [
        record_of(FollowSet(7, number, on=True), id=number, ts_ms=CLOCK.now_ms(), key=7) for number in numbers
    ]


async def work(log: OperatedLog, refused: set[int], count: int, group: str = "followers") -> list[int]:
    """What a worker handles until it has seen so many events."""
    stop = asyncio.Event()
    handler = Refusing(refused, stop, count)
    options = WorkerOptions(group, (GRAPH,), poll_s=0.05, backoff_s=(0.0,))
    await Worker(log, handler, CLOCK, Ids(), options).run(stop)
    return handler.handled


async def test_what_always_fails_is_listed_shown_and_tried_again(log: OperatedLog) -> None:
    await log.append(follows(1, 2, 3))
    assert await work(log, {2}, 3) == [1, 3]
    letters = DeadLetters(log, CLOCK)
    (one,) = await letters.waiting()
    assert (one.key, one.letter.group, one.letter.from_topic) == (7, "followers", GRAPH)
    assert one.letter.error == "ValueError: no"
    assert await letters.one(one.id) == one
    assert await letters.redrive([one.id, one.id], Ids()) == 1
    assert await work(log, set(), 1) == [2]
    assert await letters.waiting() == []
    assert [letter.redriven for letter in await letters.all()] == [True]
    assert await log.lag("followers", [GRAPH]) == {GRAPH: 0}


async def test_what_is_tried_again_is_for_the_group_that_set_it_aside(log: OperatedLog) -> None:
    await log.append(follows(1, 2))
    assert await work(log, {2}, 2) == [1]
    assert await work(log, set(), 2, "others") == [1, 2]
    letters = DeadLetters(log, CLOCK)
    await letters.redrive([one.id for one in await letters.waiting()], Ids())
    await log.append(follows(3))
    assert await work(log, set(), 2) == [2, 3]
    assert await work(log, set(), 1, "others") == [3]


async def test_a_letter_that_is_not_there_stops_a_redrive_before_it_begins(log: OperatedLog) -> None:
    await log.append(follows(1))
    await work(log, {1}, 1)
    letters = DeadLetters(log, CLOCK)
    (one,) = await letters.waiting()
    with pytest.raises(NotFound, match="dlq list"):
        await letters.redrive([one.id, 5], Ids())
    assert await letters.waiting() == [one]
    assert [entry.topic async for entry in read(log, [GRAPH])] == [GRAPH]


async def test_what_is_no_letter_is_passed_over(log: OperatedLog) -> None:
    await log.append([OutboxRecord(DEAD_LETTERS, 1, b"\xc1 no event"), *follows(1)])
    assert await DeadLetters(log, CLOCK).all() == []


async def test_reading_ends_where_the_log_ended_when_it_began(log: OperatedLog) -> None:
    assert [entry async for entry in read(log, [VIEWS, GRAPH])] == []
    await log.append([OutboxRecord(VIEWS, key, b"%d" % key) for key in range(20)])
    seen: list[Entry] = []
    async for entry in read(log, [VIEWS, GRAPH]):
        if not seen:
            await log.append([OutboxRecord(VIEWS, key, b"later") for key in range(20)])
        seen.append(entry)
    assert sorted(int(entry.value) for entry in seen) == list(range(20))


async def test_a_tail_begins_now_or_at_a_time_and_goes_on(log: OperatedLog) -> None:
    await log.append([OutboxRecord(VIEWS, 1, b"1")])
    stop = asyncio.Event()
    seen = []
    async for entry in tail(log, [VIEWS], stop, since_ms=0):
        seen.append(entry.value)
        if entry.value == b"2":
            stop.set()
        else:
            await log.append([OutboxRecord(VIEWS, 1, b"2")])
    assert seen == [b"1", b"2"]

    tailing = asyncio.Event()

    async def first_after_now() -> bytes:
        following = tail(log, [VIEWS], asyncio.Event())
        tailing.set()
        try:
            return (await anext(following)).value
        finally:
            await following.aclose()

    task = asyncio.create_task(first_after_now())
    await tailing.wait()
    number = 3
    while not task.done():
        await log.append([OutboxRecord(VIEWS, 1, b"%d" % number)])
        await asyncio.wait({task}, timeout=0.05)
        number += 1
    assert int(await task) >= 3


async def test_a_replay_begins_at_the_oldest_entry_at_a_time_or_at_offsets(log: OperatedLog) -> None:
    await log.append([OutboxRecord(VIEWS, 1, b"%d" % number) for number in range(5)])
    subscription = await log.subscribe("readers", [VIEWS])
    entries = await drain(log, subscription, [VIEWS])
    await subscription.commit(next_offsets(entries))
    await subscription.close()
    assert await replay(log, "readers", [VIEWS]) == {VIEWS: 5}
    assert await replay(log, "readers", [VIEWS], offsets=next_offsets(entries[:2])) == {VIEWS: 3}
    # What the group has not had yet is not passed over, unless it is told where to begin.
    assert await replay(log, "readers", [VIEWS], at_ms=CLOCK.now_ms() + 3_600_000) == {VIEWS: 3}
    assert await replay(log, "readers", [VIEWS], offsets=await log.ends([VIEWS])) == {VIEWS: 0}
    assert await replay(log, "readers", [VIEWS], at_ms=entries[0].published_ms) == {VIEWS: 5}
    assert await replay(log, "newcomers", [VIEWS], at_ms=CLOCK.now_ms() + 3_600_000) == {VIEWS: 5}


async def test_entries_are_told_as_json(log: OperatedLog) -> None:
    await log.append([*follows(2**62), OutboxRecord(GRAPH, -1, b"\xc1")])
    lines = [msgspec.json.Decoder().decode(as_json(entry)) async for entry in read(log, [GRAPH])]
    by_key = {line["key"]: line for line in lines}
    assert by_key["7"]["type"] == "follow.set"
    assert by_key["7"]["id"] == str(2**62)
    assert by_key["7"]["data"] == {"a": 7, "b": 2**62, "on": True}
    assert by_key["-1"]["raw"] == "wQ=="
    assert "envelope" in by_key["-1"]["error"]
