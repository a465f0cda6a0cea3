"""EventLog: keyed order, at least once, replay, lag."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest

from core.errors import Conflict
from core.ids import UserId
from core.types import User
from eventlog.log import Entry, Offsets, Subscription, TopicPartition, next_offsets
from eventlog.schema import DEAD_LETTERS, EDGES, GRAPH, SERVED, USERS, VIEWS
from stores.partitioner import partition_of
from stores.ports import OutboxRecord
from tests.contracts.engines import Engine, Stack, drain, published
from tests.fakes import FakeClock


def views(*numbers: int, key: int = 7) -> list[OutboxRecord]:
    return [OutboxRecord(VIEWS, key, b"%d" % number) for number in numbers]


def values(entries: Sequence[Entry]) -> list[int]:
    return [int(entry.value) for entry in entries]


@asynccontextmanager
async def consuming(
    stack: Stack, *topics: str, group: str = "readers", start: Offsets | None = None
) -> AsyncIterator[Subscription]:
    subscription = await stack.log.subscribe(group, topics or (VIEWS,), start=start)
    try:
        yield subscription
    finally:
        await subscription.close()


async def read_on(
    stack: Stack, engine: Engine, *topics: str, group: str = "readers", start: Offsets | None = None
) -> list[Entry]:
    """What a consumer that has just been started gets, without committing it."""
    async with consuming(stack, *topics, group=group, start=start) as subscription:
        return await drain(subscription, engine)


async def consume(stack: Stack, engine: Engine, *topics: str, group: str = "readers") -> list[Entry]:
    """What a consumer that has just been started gets, and commits."""
    async with consuming(stack, *topics, group=group) as subscription:
        entries = await drain(subscription, engine)
        await subscription.commit(next_offsets(entries))
        return entries


async def behind(stack: Stack, *topics: str, group: str = "readers") -> Mapping[str, int]:
    return await stack.log.lag(group, topics or (VIEWS,))


async def test_an_entry_is_what_was_appended(stack: Stack, engine: Engine, clock: FakeClock) -> None:
    value = bytes(range(256))
    await stack.log.append([OutboxRecord(VIEWS, -5, value)])
    (entry,) = await read_on(stack, engine)
    assert (entry.topic, entry.key, entry.value) == (VIEWS, -5, value)
    assert entry.partition == partition_of(-5, engine.partitions)
    assert entry.published_ms == clock.now_ms()


async def test_entries_of_a_key_come_in_the_order_of_their_appends(stack: Stack, engine: Engine) -> None:
    for number in range(60):
        await stack.log.append(
            [OutboxRecord(VIEWS, key, b"%d" % (number * 10 + step)) for step in range(3) for key in range(9)]
        )
    entries = await read_on(stack, engine)
    for key in range(9):
        numbers = values([entry for entry in entries if entry.key == key])
        assert numbers == [number * 10 + step for number in range(60) for step in range(3)]
    offsets: dict[TopicPartition, int] = {}
    for entry in entries:
        assert entry.offset > offsets.get(entry.topic_partition, -1)
        offsets[entry.topic_partition] = entry.offset


async def test_appending_nothing_is_nothing(stack: Stack, engine: Engine) -> None:
    await stack.log.append([])
    assert await read_on(stack, engine) == []
    assert await behind(stack) == {VIEWS: 0}


async def test_what_was_not_committed_comes_again(stack: Stack, engine: Engine) -> None:
    await stack.log.append(views(1, 2, 3))
    for _ in range(2):
        assert values(await read_on(stack, engine)) == [1, 2, 3]
    assert values(await consume(stack, engine)) == [1, 2, 3]
    assert await read_on(stack, engine) == []
    await stack.log.append(views(4))
    assert values(await read_on(stack, engine)) == [4]


async def test_offsets_survive_a_restart(engine: Engine, clock: FakeClock) -> None:
    async with engine.open(clock) as before:
        await before.log.append(views(1, 2))
        assert values(await consume(before, engine)) == [1, 2]
        await before.log.append(views(3))
    async with engine.open(clock) as after:
        assert values(await read_on(after, engine)) == [3]


async def test_a_batch_that_was_half_committed_goes_on_where_it_was_left(
    stack: Stack, engine: Engine
) -> None:
    await stack.log.append([record for n in range(20) for record in views(n, key=n % 5)])
    async with consuming(stack) as subscription:
        entries = await drain(subscription, engine)
        await subscription.commit(next_offsets(entries[:8]))
    rest = await read_on(stack, engine)
    assert set(values(entries[8:])) <= set(values(rest))
    committed = next_offsets(entries[:8])
    assert all(entry.offset >= committed.get(entry.topic_partition, 0) for entry in rest)


async def test_committing_an_earlier_poll_does_not_commit_a_later_one(stack: Stack, engine: Engine) -> None:
    await stack.log.append([record for n in range(30) for record in views(n, key=n)])
    async with consuming(stack) as subscription:
        first = await subscription.poll(max_entries=10, timeout_s=5)
        later = await drain(subscription, engine)
        await subscription.commit(next_offsets(first))
        # Moving other partitions on must not take the outstanding ones with them.
        await subscription.commit({})
    assert set(values(later)) <= set(values(await read_on(stack, engine)))
    assert (await behind(stack))[VIEWS] >= len(later)


async def test_an_offset_may_be_committed_that_this_consumer_did_not_poll(
    stack: Stack, engine: Engine
) -> None:
    await stack.log.append(views(1, 2, 3))
    first, *_ = await read_on(stack, engine, group="other")
    async with consuming(stack) as subscription:
        await subscription.commit({first.topic_partition: first.offset + 1})
    assert values(await read_on(stack, engine)) == [2, 3]


async def test_groups_do_not_know_each_other(stack: Stack, engine: Engine) -> None:
    await stack.log.append(views(1, 2))
    assert values(await consume(stack, engine, group="one")) == [1, 2]
    assert values(await consume(stack, engine, group="two")) == [1, 2]
    assert await behind(stack, group="one") == {VIEWS: 0}
    assert await behind(stack, group="three") == {VIEWS: 2}


async def test_a_start_of_ones_own_goes_before_what_was_committed(stack: Stack, engine: Engine) -> None:
    await stack.log.append([*views(*range(6)), *views(100, key=8)])
    entries = await consume(stack, engine)
    assert values(await read_on(stack, engine, start={})) == [0, 1, 2, 3, 4, 5, 100]
    third = next(entry for entry in entries if entry.value == b"3")
    replayed = await read_on(stack, engine, start={third.topic_partition: third.offset})
    # The other partition has no offset of its own, so it begins at its oldest entry.
    assert values(replayed) == [3, 4, 5, 100]
    assert await read_on(stack, engine, start=next_offsets(entries)) == []


async def test_lag_counts_what_is_not_committed(stack: Stack, engine: Engine) -> None:
    await stack.log.append([*views(*range(5)), *views(5, 6, key=8), OutboxRecord(SERVED, 1, b"9")])
    assert await behind(stack, VIEWS, SERVED) == {VIEWS: 7, SERVED: 1}
    async with consuming(stack, VIEWS, SERVED) as subscription:
        entries = await drain(subscription, engine)
        assert await behind(stack, VIEWS, SERVED) == {VIEWS: 7, SERVED: 1}
        of_views = [entry for entry in entries if entry.topic == VIEWS]
        await subscription.commit(next_offsets([entry for entry in of_views if entry.key == 8]))
        assert await behind(stack, VIEWS, SERVED) == {VIEWS: 5, SERVED: 1}
        await subscription.commit(next_offsets(entries))
    assert await behind(stack, VIEWS, SERVED) == {VIEWS: 0, SERVED: 0}
    await stack.log.append(views(7, key=9))
    assert await behind(stack, VIEWS, SERVED) == {VIEWS: 1, SERVED: 0}


async def test_partitions_without_an_entry_neither_lag_nor_hide_their_first(
    stack: Stack, engine: Engine
) -> None:
    await stack.log.append(views(*range(50)))
    await consume(stack, engine)
    others = [
        key
        for key in range(100)
        if partition_of(key, engine.partitions) != partition_of(7, engine.partitions)
    ]
    await stack.log.append([record for key in others for record in views(key, key=key)])
    assert await behind(stack) == {VIEWS: len(others)}
    assert sorted(values(await consume(stack, engine))) == others
    assert await behind(stack) == {VIEWS: 0}


async def test_a_poll_gives_at_most_what_was_asked_for_and_starves_no_topic(
    stack: Stack, engine: Engine
) -> None:
    await stack.log.append(views(*range(100)))
    await stack.log.append([OutboxRecord(SERVED, 1, b"1000")])
    await stack.log.append([OutboxRecord(DEAD_LETTERS, 1, b"2000")])
    seen: list[int] = []
    async with consuming(stack, VIEWS, SERVED, DEAD_LETTERS) as subscription:
        for _ in range(6):
            entries = await subscription.poll(max_entries=10, timeout_s=5)
            assert len(entries) <= 10
            seen += values(entries)
        assert {1000, 2000} <= set(seen)
        seen += values(await drain(subscription, engine))
    assert sorted(seen) == [*range(100), 1000, 2000]


async def test_a_poll_of_an_empty_log_ends(stack: Stack) -> None:
    async with consuming(stack) as subscription:
        assert list(await subscription.poll(max_entries=10, timeout_s=0.01)) == []


async def test_a_poll_that_waits_is_woken_by_an_append(stack: Stack) -> None:
    async with consuming(stack) as subscription:
        waiting = asyncio.ensure_future(subscription.poll(max_entries=10, timeout_s=60))
        await stack.log.append(views(1))
        assert values(await waiting) == [1]


async def test_a_poll_whose_caller_was_cancelled_loses_nothing(stack: Stack, engine: Engine) -> None:
    async with consuming(stack) as subscription:
        given_up = asyncio.ensure_future(subscription.poll(max_entries=10, timeout_s=60))
        await stack.log.lag("other", [VIEWS])
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        await stack.log.append(views(1, 2, 3))
        await subscription.commit({})
        entries = await subscription.poll(max_entries=10, timeout_s=60)
        entries = [*entries, *await drain(subscription, engine)]
        assert values(entries) == [1, 2, 3]
    assert values(await read_on(stack, engine)) == [1, 2, 3]


async def test_closing_does_not_wait_for_a_poll_to_end(stack: Stack) -> None:
    subscription = await stack.log.subscribe("readers", [VIEWS])
    waiting = asyncio.ensure_future(subscription.poll(max_entries=10, timeout_s=3_600))
    await stack.log.lag("other", [VIEWS])
    await subscription.close()
    assert list(await waiting) == []


async def test_facts_are_published_with_the_write_that_they_tell_of(stack: Stack, engine: Engine) -> None:
    def user(number: int) -> User:
        return User(UserId(number), "ada", "Ada", 0)

    await stack.users.create(user(1), [OutboxRecord(USERS, 1, b"1"), OutboxRecord(GRAPH, 1, b"2")])
    with pytest.raises(Conflict):
        await stack.users.create(user(2), [OutboxRecord(USERS, 2, b"3")])
    assert await published(stack, engine, [USERS, GRAPH]) == [b"1", b"2"]


async def test_facts_and_telemetry_come_through_one_subscription(stack: Stack, engine: Engine) -> None:
    async with consuming(stack, EDGES, VIEWS) as subscription:
        for number in range(0, 20, 2):
            record = OutboxRecord(EDGES, 1, b"%d" % number)
            await stack.graph.set_follow(
                UserId(1), UserId(number + 2), on=True, ver=number + 1, outbox=[record]
            )
            await stack.log.append(views(number + 1))
        entries = await drain(subscription, engine)
        assert sorted(values(entries)) == list(range(20))
        await subscription.commit(next_offsets(entries))
    assert await behind(stack, EDGES, VIEWS) == {EDGES: 0, VIEWS: 0}
    assert await read_on(stack, engine, EDGES, VIEWS) == []
