"""Served records wait for a log that is away, in order, up to a bound; then the oldest go."""

from __future__ import annotations

import asyncio

from prometheus_client import REGISTRY

from core.errors import ConfigurationError, Corrupt, Unavailable
from ranking.side_effects import BATCH, QUEUE, SCORED_BATCH, SCORED_QUEUE, ScoredRecords, ServedRecords
from stores.ports import OutboxRecord
from tests.unit.eventlog.fake_log import FakeLog


def _record(number: int) -> OutboxRecord:
    return OutboxRecord("served.v1", number, b"")


def _dropped() -> float:
    return REGISTRY.get_sample_value("rankfeed_scored_dropped_total") or 0.0


def _keys(log: FakeLog) -> list[int]:
    return [record.key for record in log.appended]


async def test_records_are_appended_in_order() -> None:
    log = FakeLog(asyncio.Event())
    records = ServedRecords(log)
    for number in range(2 * BATCH + 1):
        records.put(_record(number))
    await records.flush()
    assert _keys(log) == list(range(2 * BATCH + 1))


async def test_a_log_that_is_away_loses_nothing() -> None:
    log = FakeLog(asyncio.Event())
    records = ServedRecords(log)
    for number in range(BATCH + 5):
        records.put(_record(number))
    log.failing["append"] = [Unavailable("away"), Unavailable("away")]
    await records.flush()
    assert _keys(log) == []
    await records.flush()
    await records.flush()
    assert _keys(log) == list(range(BATCH + 5))


async def test_a_log_that_refuses_loses_nothing_and_ends_nothing() -> None:
    log = FakeLog(asyncio.Event())
    records = ServedRecords(log)
    stop = asyncio.Event()
    log.failing["append"] = [ConfigurationError("the topic does not exist"), Corrupt("bytes")]
    records.put(_record(1))
    records.put(_record(2))
    assert not await records.flush()
    assert not await records.flush()
    running = asyncio.create_task(records.run(stop))
    stop.set()
    await running
    assert _keys(log) == [1, 2]


async def test_beyond_the_bound_the_oldest_are_given_up() -> None:
    log = FakeLog(asyncio.Event())
    records = ServedRecords(log)
    for number in range(QUEUE + 3):
        records.put(_record(number))
    await records.flush()
    assert _keys(log) == list(range(3, QUEUE + 3))


async def test_what_is_left_is_written_at_the_end() -> None:
    log = FakeLog(asyncio.Event())
    records = ServedRecords(log)
    stop = asyncio.Event()
    running = asyncio.create_task(records.run(stop))
    records.put(_record(1))
    stop.set()
    await running
    assert _keys(log) == [1]


async def test_large_records_have_a_bound_and_batches_of_their_own() -> None:
    log = FakeLog(asyncio.Event())
    records = ScoredRecords(log)
    before = _dropped()
    for number in range(SCORED_QUEUE + 3):
        records.put(_record(number))
    assert _dropped() - before == 3
    log.failing["append"] = [Unavailable("away")]
    await records.flush()
    await records.flush()
    assert _keys(log) == list(range(3, SCORED_QUEUE + 3))
    assert SCORED_BATCH < BATCH
