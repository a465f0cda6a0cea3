"""EventLog: keyed order, at least once, nothing lost."""

from __future__ import annotations

import asyncio

import pytest

from core.clock import SystemClock
from eventlog.log import MAX_VALUE_BYTES, OperatedLog, TopicPartition, next_offsets
from eventlog.schema import DEAD_LETTERS, SERVED, USERS, VIEWS
from stores.partitioner import partition_of
from stores.ports import OutboxRecord
from tests.contracts.log_engines import LogEngine, drain
from tests.contracts.log_readers import behind, consume, consuming, read_on, values, views


async def test_an_entry_is_what_was_appended(log_engine: LogEngine) -> None:
    value = bytes(range(256))
    async with log_engine.open(SystemClock()) as log:
        before_ms = SystemClock().now_ms()
        await log.append([OutboxRecord(VIEWS, -5, value)])
        after_ms = SystemClock().now_ms()
        (entry,) = await read_on(log)
    assert (entry.topic, entry.key, entry.value) == (VIEWS, -5, value)
    assert entry.partition == partition_of(-5, log_engine.partitions)
    assert before_ms <= entry.published_ms <= after_ms


async def test_entries_of_a_key_come_in_the_order_of_their_appends(log: OperatedLog) -> None:
    for number in range(60):
        await log.append(
            [OutboxRecord(VIEWS, key, b"%d" % (number * 10 + step)) for step in range(3) for key in range(9)]
        )
    entries = await read_on(log)
    for key in range(9):
        numbers = values([entry for entry in entries if entry.key == key])
        assert numbers == [number * 10 + step for number in range(60) for step in range(3)]
    offsets: dict[TopicPartition, int] = {}
    for entry in entries:
        assert entry.offset > offsets.get(entry.topic_partition, -1)
        offsets[entry.topic_partition] = entry.offset


async def test_appending_nothing_is_nothing(log: OperatedLog) -> None:
    await log.append([])
    assert await read_on(log) == []
    assert await behind(log) == {VIEWS: 0}


async def test_what_was_not_committed_comes_again(log: OperatedLog) -> None:
    await log.append(views(1, 2, 3))
    for _ in range(2):
        assert values(await read_on(log)) == [1, 2, 3]
    assert values(await consume(log)) == [1, 2, 3]
    assert await read_on(log) == []
    await log.append(views(4))
    assert values(await read_on(log)) == [4]


async def test_offsets_survive_a_restart(log_engine: LogEngine) -> None:
    async with log_engine.open() as before:
        await before.append(views(1, 2))
        assert values(await consume(before)) == [1, 2]
        await before.append(views(3))
    async with log_engine.open() as after:
        assert values(await read_on(after)) == [3]


async def test_a_batch_that_was_half_committed_goes_on_where_it_was_left(log: OperatedLog) -> None:
    await log.append([record for n in range(20) for record in views(n, key=n % 5)])
    async with consuming(log) as subscription:
        entries = await drain(log, subscription, [VIEWS])
        await subscription.commit(next_offsets(entries[:8]))
    rest = await read_on(log)
    assert set(values(entries[8:])) <= set(values(rest))
    committed = next_offsets(entries[:8])
    assert all(entry.offset >= committed.get(entry.topic_partition, 0) for entry in rest)


async def test_committing_an_earlier_poll_does_not_commit_a_later_one(log: OperatedLog) -> None:
    await log.append([record for n in range(30) for record in views(n, key=n)])
    async with consuming(log) as subscription:
        first = await subscription.poll(max_entries=10, timeout_s=5)
        later = await drain(log, subscription, [VIEWS])
        await subscription.commit(next_offsets(first))
        # Moving other partitions on must not take the outstanding ones with them.
        await subscription.commit({})
    assert set(values(later)) <= set(values(await read_on(log)))
    assert (await behind(log))[VIEWS] >= len(later)


async def test_a_poll_gives_at_most_what_was_asked_for_and_starves_no_topic(log: OperatedLog) -> None:
    await log.append(views(*range(100)))
    await log.append([OutboxRecord(SERVED, 1, b"1000")])
    await log.append([OutboxRecord(DEAD_LETTERS, 1, b"2000")])
    seen: list[int] = []
    async with consuming(log, VIEWS, SERVED, DEAD_LETTERS) as subscription:
        for _ in range(6):
            entries = await subscription.poll(max_entries=10, timeout_s=5)
            assert len(entries) <= 10
            seen += values(entries)
        assert {1000, 2000} <= set(seen)
        seen += values(await drain(log, subscription, [VIEWS, SERVED, DEAD_LETTERS]))
    assert sorted(seen) == [*range(100), 1000, 2000]


async def test_a_poll_of_an_empty_log_ends(log: OperatedLog) -> None:
    async with consuming(log) as subscription:
        assert list(await subscription.poll(max_entries=10, timeout_s=0.01)) == []


async def test_a_poll_that_waits_is_woken_by_an_append(log: OperatedLog) -> None:
    async with consuming(log) as subscription:
        waiting = asyncio.ensure_future(subscription.poll(max_entries=10, timeout_s=60))
        await log.append(views(1))
        assert values(await waiting) == [1]


async def test_a_poll_whose_caller_was_cancelled_loses_nothing(log: OperatedLog) -> None:
    async with consuming(log) as subscription:
        given_up = asyncio.ensure_future(subscription.poll(max_entries=10, timeout_s=60))
        await log.lag("other", [VIEWS])
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        await log.append(views(1, 2, 3))
        await subscription.commit({})
        entries = await subscription.poll(max_entries=10, timeout_s=60)
        entries = [*entries, *await drain(log, subscription, [VIEWS])]
        assert values(entries) == [1, 2, 3]
    assert values(await read_on(log)) == [1, 2, 3]


async def test_closing_does_not_wait_for_a_poll_to_end(log: OperatedLog) -> None:
    subscription = await log.subscribe("readers", [VIEWS])
    waiting = asyncio.ensure_future(subscription.poll(max_entries=10, timeout_s=3_600))
    await log.lag("other", [VIEWS])
    await subscription.close()
    assert list(await waiting) == []


async def test_facts_and_telemetry_come_through_one_subscription(log: OperatedLog) -> None:
    async with consuming(log, USERS, VIEWS) as subscription:
        for number in range(0, 20, 2):
            await log.append([OutboxRecord(USERS, 1, b"%d" % number)])
            await log.append(views(number + 1))
        entries = await drain(log, subscription, [USERS, VIEWS])
        assert sorted(values(entries)) == list(range(20))
        await subscription.commit(next_offsets(entries))
    assert await behind(log, USERS, VIEWS) == {USERS: 0, VIEWS: 0}
    assert await read_on(log, USERS, VIEWS) == []


async def test_values_are_taken_up_to_the_limit_and_no_further(log: OperatedLog) -> None:
    await log.append([OutboxRecord(VIEWS, 1, b"x" * MAX_VALUE_BYTES)])
    # A dead letter carries a record of that size, and says what was wrong with it.
    await log.append([OutboxRecord(DEAD_LETTERS, 1, b"x" * (MAX_VALUE_BYTES + 10_000))])
    with pytest.raises(ValueError, match="limit"):
        await log.append([*views(1), OutboxRecord(VIEWS, 1, b"x" * (MAX_VALUE_BYTES + 1))])
    assert [len(entry.value) for entry in await read_on(log)] == [MAX_VALUE_BYTES]
    assert len(await read_on(log, DEAD_LETTERS)) == 1


async def test_appends_at_the_same_time_are_all_there(log: OperatedLog) -> None:
    await asyncio.gather(*(log.append(views(number, key=number % 7)) for number in range(200)))
    assert sorted(values(await read_on(log))) == list(range(200))
