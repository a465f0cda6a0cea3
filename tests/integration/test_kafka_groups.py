"""Groups on a real Kafka: partitions change hands without a batch in two hands."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from core.errors import ConfigurationError
from eventlog.kafka_log import KafkaEventLog
from eventlog.kafka_options import KafkaOptions
from eventlog.kafka_topics import TopicSpec, ensure_topics
from eventlog.late_commits import LateCommitLog
from eventlog.log import Entry, Offsets, OperatedLog, Subscription, next_offsets
from eventlog.schema import VIEWS
from stores.ports import OutboxRecord
from tests.contracts.log_engines import delete_topics, kafka_address

PARTITIONS = 8
GROUP = "readers"


@pytest.fixture
async def options(kafka_server: str) -> AsyncIterator[KafkaOptions]:
    bootstrap, prefix = kafka_address(kafka_server).split(" ")
    options = KafkaOptions(bootstrap=bootstrap, prefix=prefix, drain_timeout_s=10.0)
    await ensure_topics(options, [TopicSpec(VIEWS, PARTITIONS)], replication=1)
    yield options
    await delete_topics(options)


def views(*numbers: int) -> list[OutboxRecord]:
    return [OutboxRecord(VIEWS, number, b"%d" % number) for number in numbers]


async def some(subscription: Subscription, limit: int) -> list[Entry]:
    """The next entries, however long they take."""
    while not (entries := list(await subscription.poll(max_entries=limit, timeout_s=60))):
        pass
    return entries


class Effects:
    """What consumers did, per number, and a way to wait for how much."""

    def __init__(self) -> None:
        self.made: Counter[int] = Counter()
        self._grown = asyncio.Condition()

    async def make(self, entries: Sequence[Entry]) -> None:
        async with self._grown:
            self.made.update(int(entry.value) for entry in entries)
            self._grown.notify_all()

    async def reach(self, total: int) -> None:
        async with self._grown:
            await self._grown.wait_for(lambda: self.made.total() >= total)


class LateEffects:
    """None is made, and then all are."""

    are_made = False

    def done(self, handled: Offsets) -> Offsets:
        return handled if self.are_made else dict.fromkeys(handled, 0)

    async def finish(self) -> None:
        self.are_made = True


async def consume(subscription: Subscription, effects: Effects, stop: asyncio.Event) -> None:
    """A worker's loop: an effect per entry, committed after it."""
    while not stop.is_set():
        entries = await subscription.poll(max_entries=20, timeout_s=0.1)
        await effects.make(entries)
        await subscription.commit(next_offsets(entries))


async def partitions_of(subscription: Subscription) -> set[int]:
    return {tp.partition for tp in await subscription.positions()}


async def until_shared(log: OperatedLog, *subscriptions: Subscription) -> list[set[int]]:
    """What each holds, once they hold every partition between them."""
    while True:
        held = [await partitions_of(subscription) for subscription in subscriptions]
        if sorted(number for one in held for number in one) == list(range(PARTITIONS)):
            return held


async def test_a_newcomer_waits_for_the_batch_that_is_under_way(options: KafkaOptions) -> None:
    async with KafkaEventLog(options) as log, KafkaEventLog(options) as other:
        await log.append(views(*range(100)))
        first = await log.subscribe(GROUP, [VIEWS])
        batch = await some(first, 60)
        joining = asyncio.ensure_future(other.subscribe(GROUP, [VIEWS]))
        # The first consumer has been told, and gives nothing more before it lets go of its partitions.
        while await first.positions():
            assert not joining.done()
        assert list(await first.poll(max_entries=10, timeout_s=0.05)) == []
        assert not joining.done()
        await first.commit(next_offsets(batch))
        second = await joining
        effects = Effects()
        await effects.make(batch)
        stop = asyncio.Event()
        consumers = [asyncio.create_task(consume(one, effects, stop)) for one in (first, second)]
        await effects.reach(100)
        held = await until_shared(log, first, second)
        assert all(held)
        stop.set()
        await asyncio.gather(*consumers)
        assert effects.made == Counter(range(100))
        assert await log.lag(GROUP, [VIEWS]) == {VIEWS: 0}
        await first.close()
        await second.close()


async def test_a_newcomer_waits_for_effects_that_come_late(options: KafkaOptions) -> None:
    late = LateEffects()
    async with KafkaEventLog(options) as log, KafkaEventLog(options) as other:
        await log.append(views(*range(100)))
        first = await LateCommitLog(log, late).subscribe(GROUP, [VIEWS])
        batch = await some(first, 60)
        await first.commit(next_offsets(batch))
        joining = asyncio.ensure_future(other.subscribe(GROUP, [VIEWS]))
        while await first.positions():
            assert not joining.done()
        assert list(await first.poll(max_entries=10, timeout_s=0.05)) == []
        assert not joining.done()
        late.are_made = True
        # A worker goes on polling, which is when it is said; it may have partitions again before it returns.
        soon = list(await first.poll(max_entries=10, timeout_s=0.05))
        second = await joining
        effects = Effects()
        await effects.make([*batch, *soon])
        await first.commit(next_offsets(soon))
        stop = asyncio.Event()
        consumers = [asyncio.create_task(consume(one, effects, stop)) for one in (first, second)]
        await effects.reach(100)
        stop.set()
        await asyncio.gather(*consumers)
        assert effects.made == Counter(range(100))
        await first.close()
        assert await log.lag(GROUP, [VIEWS]) == {VIEWS: 0}
        await second.close()


async def test_consumers_come_and_go_under_load_and_every_effect_is_made_once(options: KafkaOptions) -> None:
    effects = Effects()
    total = 6_000
    async with KafkaEventLog(options) as log:

        async def produce() -> None:
            for begin in range(0, total, 50):
                await log.append(views(*range(begin, begin + 50)))

        async def life(log: OperatedLog, until: int) -> None:
            """A consumer that joins, works until so many effects are made, and leaves."""
            subscription = await log.subscribe(GROUP, [VIEWS])
            stop = asyncio.Event()
            work = asyncio.create_task(consume(subscription, effects, stop))
            await effects.reach(until)
            stop.set()
            await work
            await subscription.close()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(life(log, total))
            tasks.create_task(produce())
            for share in (0.3, 0.6):
                await effects.reach(int(total * (share - 0.2)))
                await life(log, int(total * share))
        assert await log.lag(GROUP, [VIEWS]) == {VIEWS: 0}
    assert effects.made == Counter(range(total))


async def test_one_that_comes_back_under_its_name_gets_its_partitions_at_once(options: KafkaOptions) -> None:
    async with (
        KafkaEventLog(replace(options, instance="a")) as a,
        KafkaEventLog(replace(options, instance="b")) as b,
    ):
        await a.append(views(*range(50)))
        first, second = await a.subscribe(GROUP, [VIEWS]), await b.subscribe(GROUP, [VIEWS])
        held = await until_shared(a, first, second)
        await first.close()
        again = await a.subscribe(GROUP, [VIEWS])
        assert await until_shared(a, again, second) == held
        await again.close()
        await second.close()


async def test_a_batch_that_takes_longer_than_the_drain_is_given_up_and_comes_again(
    options: KafkaOptions,
) -> None:
    hurried = replace(options, drain_timeout_s=0.2)
    async with KafkaEventLog(hurried) as log, KafkaEventLog(options) as other:
        await log.append(views(*range(20)))
        first = await log.subscribe(GROUP, [VIEWS])
        batch = await some(first, 20)
        second = await other.subscribe(GROUP, [VIEWS])
        await until_shared(log, first, second)
        # Too late: the partitions have been divided anew. It is not an error, it just does not count.
        await first.commit(next_offsets(batch))
        seen: set[int] = set()
        while len(seen) < 20:
            for one in (first, second):
                entries = await one.poll(max_entries=20, timeout_s=0.1)
                seen |= {int(entry.value) for entry in entries}
                await one.commit(next_offsets(entries))
        await first.close()
        await second.close()
        assert await log.lag(GROUP, [VIEWS]) == {VIEWS: 0}


async def test_work_that_holds_the_event_loop_does_not_cost_the_partitions(options: KafkaOptions) -> None:
    async with KafkaEventLog(options) as log, KafkaEventLog(options) as other:
        await log.append(views(*range(40)))
        first = await log.subscribe(GROUP, [VIEWS])
        batch = await some(first, 40)
        # Nothing of this loop runs for longer than a session; the heartbeats have their own.
        busy_until_s = time.monotonic() + options.session_timeout_ms / 1000 + 1.5
        while time.monotonic() < busy_until_s:
            sum(range(10_000))
        await first.commit(next_offsets(batch))
        rest = 40 - len(batch)
        while rest:
            entries = await some(first, 40)
            rest -= len(entries)
            await first.commit(next_offsets(entries))
        assert await other.lag(GROUP, [VIEWS]) == {VIEWS: 0}
        assert await partitions_of(first) == set(range(PARTITIONS))
        await first.close()


async def test_a_group_that_runs_is_not_reset(options: KafkaOptions) -> None:
    async with KafkaEventLog(options) as log:
        await log.append(views(1))
        subscription = await log.subscribe(GROUP, [VIEWS])
        with pytest.raises(ConfigurationError, match="stop them"):
            await log.reset(GROUP, await log.ends([VIEWS]))
        await subscription.close()
        await log.reset(GROUP, await log.ends([VIEWS]))
        assert await log.lag(GROUP, [VIEWS]) == {VIEWS: 0}
