"""EventLog: lag, replay, and where things lie in the log."""

from __future__ import annotations

import asyncio

from core.clock import SystemClock
from eventlog.log import OperatedLog, next_offsets
from eventlog.schema import SERVED, VIEWS
from stores.partitioner import partition_of
from stores.ports import OutboxRecord
from tests.contracts.log_engines import LogEngine, drain
from tests.contracts.log_readers import behind, consume, consuming, read_on, values, views


async def test_an_offset_may_be_committed_that_this_consumer_did_not_poll(log: OperatedLog) -> None:
    await log.append(views(1, 2, 3))
    first, *_ = await read_on(log, group="other")
    async with consuming(log) as subscription:
        await subscription.commit({first.topic_partition: first.offset + 1})
    assert values(await read_on(log)) == [2, 3]


async def test_groups_do_not_know_each_other(log: OperatedLog) -> None:
    await log.append(views(1, 2))
    assert values(await consume(log, group="one")) == [1, 2]
    assert values(await consume(log, group="two")) == [1, 2]
    assert await behind(log, group="one") == {VIEWS: 0}
    assert await behind(log, group="three") == {VIEWS: 2}


async def test_a_start_of_ones_own_goes_before_what_was_committed(log: OperatedLog) -> None:
    await log.append([*views(*range(6)), *views(100, key=8)])
    entries = await consume(log)
    assert sorted(values(await read_on(log, start={}))) == [0, 1, 2, 3, 4, 5, 100]
    third = next(entry for entry in entries if entry.value == b"3")
    replayed = await read_on(log, start={third.topic_partition: third.offset})
    # The other partition has no offset of its own, so it begins at its oldest entry.
    assert sorted(values(replayed)) == [3, 4, 5, 100]
    assert await read_on(log, start=next_offsets(entries)) == []


async def test_lag_counts_what_is_not_committed(log: OperatedLog) -> None:
    await log.append([*views(*range(5)), *views(5, 6, key=8), OutboxRecord(SERVED, 1, b"9")])
    assert await behind(log, VIEWS, SERVED) == {VIEWS: 7, SERVED: 1}
    async with consuming(log, VIEWS, SERVED) as subscription:
        entries = await drain(log, subscription, [VIEWS, SERVED])
        assert await behind(log, VIEWS, SERVED) == {VIEWS: 7, SERVED: 1}
        of_views = [entry for entry in entries if entry.topic == VIEWS]
        await subscription.commit(next_offsets([entry for entry in of_views if entry.key == 8]))
        assert await behind(log, VIEWS, SERVED) == {VIEWS: 5, SERVED: 1}
        await subscription.commit(next_offsets(entries))
    assert await behind(log, VIEWS, SERVED) == {VIEWS: 0, SERVED: 0}
    await log.append(views(7, key=9))
    assert await behind(log, VIEWS, SERVED) == {VIEWS: 1, SERVED: 0}


async def test_partitions_without_an_entry_neither_lag_nor_hide_their_first(
    log: OperatedLog, log_engine: LogEngine
) -> None:
    await log.append(views(*range(50)))
    await consume(log)
    others = [
        key
        for key in range(100)
        if partition_of(key, log_engine.partitions) != partition_of(7, log_engine.partitions)
    ]
    await log.append([record for key in others for record in views(key, key=key)])
    assert await behind(log) == {VIEWS: len(others)}
    assert sorted(values(await consume(log))) == others
    assert await behind(log) == {VIEWS: 0}


async def test_a_consumer_says_where_it_stands(log: OperatedLog) -> None:
    await log.append([*views(*range(5)), *views(5, key=8)])
    entries = await read_on(log)
    async with consuming(log) as subscription:
        await drain(log, subscription, [VIEWS])
        positions = await subscription.positions()
        assert all(positions[tp] >= next_ for tp, next_ in next_offsets(entries).items())
        await subscription.commit(next_offsets(entries[:2]))
        assert await subscription.positions() == positions
    async with consuming(log, start=next_offsets(entries[:2])) as subscription:
        at = entries[0].topic_partition
        assert (await subscription.positions())[at] == next_offsets(entries[:2])[at]


async def test_the_ends_lie_behind_what_is_there_and_before_what_comes(log: OperatedLog) -> None:
    await log.append([*views(1, 2), *views(3, key=8)])
    ends = await log.ends([VIEWS, SERVED])
    entries = await read_on(log)
    assert all(entry.offset < ends[entry.topic_partition] for entry in entries)
    assert await read_on(log, start=ends) == []
    await log.append([*views(4), *views(5, key=8)])
    assert sorted(values(await read_on(log, start=ends))) == [4, 5]


async def test_a_start_above_the_end_hides_nothing_that_comes(log: OperatedLog) -> None:
    await log.append([*views(1, 2), *views(3, key=8)])
    above = {tp: end + 1_000 for tp, end in (await log.ends([VIEWS])).items()}
    async with consuming(log, start=above) as subscription:
        await log.append([*views(4), *views(5, key=8)])
        found: set[int] = set()
        async with asyncio.timeout(30):
            while not found >= {4, 5}:
                found |= set(values(await subscription.poll(max_entries=10, timeout_s=0.5)))


async def test_offsets_are_found_by_time(log_engine: LogEngine) -> None:
    clock = SystemClock()
    async with log_engine.open(clock) as log:
        await log.append(views(1, 2))
        first_ms = (await read_on(log))[0].published_ms
        while clock.now_ms() <= first_ms:
            await log.ends([VIEWS])
        then_ms = clock.now_ms()
        await log.append(views(3))
        assert values(await read_on(log, start=await log.offsets_at([VIEWS], then_ms))) == [3]
        assert values(await read_on(log, start=await log.offsets_at([VIEWS], first_ms))) == [1, 2, 3]
        assert values(await read_on(log, start=await log.offsets_at([VIEWS], 0))) == [1, 2, 3]
        later_ms = then_ms + 3_600_000
        assert await log.offsets_at([VIEWS], later_ms) == await log.ends([VIEWS])


async def test_a_group_is_reset_back_and_forward(log: OperatedLog) -> None:
    await log.append([*views(*range(5)), *views(5, key=8)])
    entries = await consume(log)
    third = next(entry for entry in entries if entry.value == b"2")
    await log.reset("readers", {third.topic_partition: third.offset})
    assert await behind(log) == {VIEWS: 3}
    assert values(await consume(log)) == [2, 3, 4]
    await log.append(views(6, 7))
    await log.reset("readers", await log.ends([VIEWS]))
    assert await behind(log) == {VIEWS: 0}
    assert await read_on(log) == []
    await log.reset("newcomers", {third.topic_partition: third.offset})
    assert sorted(values(await read_on(log, group="newcomers"))) == [2, 3, 4, 5, 6, 7]


async def test_a_reader_that_never_commits_leaves_no_trace(log: OperatedLog) -> None:
    await log.append(views(1, 2))
    await consume(log)
    assert values(await read_on(log, start={})) == [1, 2]
    assert await behind(log) == {VIEWS: 0}
    assert await behind(log, group="nobody") == {VIEWS: 2}


async def test_what_a_group_has_committed_is_told(log: OperatedLog) -> None:
    await log.append([*views(1, 2), *views(3, key=8), OutboxRecord(SERVED, 1, b"9")])
    entries = await consume(log)
    committed = await log.offsets_of("readers", [VIEWS])
    assert {tp: committed[tp] for tp in next_offsets(entries)} == next_offsets(entries)
    assert {tp.topic for tp in committed} == {VIEWS}
    assert await log.offsets_of("readers", [SERVED]) == {}
    assert await log.offsets_of("nobody", [VIEWS, SERVED]) == {}
    await log.reset("readers", {entries[0].topic_partition: entries[0].offset})
    moved = await log.offsets_of("readers", [VIEWS])
    assert moved[entries[0].topic_partition] == entries[0].offset
