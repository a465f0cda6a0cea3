"""EventLog under any history of appends, polls, commits and restarts: nothing is lost or reordered."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventlog.log import Entry, Offsets, Subscription, TopicPartition, next_offsets
from eventlog.schema import DEAD_LETTERS, VIEWS
from stores.ports import OutboxRecord
from tests.contracts.engines import ENGINES, Engine, Stack, drain
from tests.fakes import FakeClock

TOPICS = (VIEWS, DEAD_LETTERS)

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.sampled_from(TOPICS), st.lists(st.integers(0, 5), max_size=12)),
        st.tuples(st.just("poll"), st.integers(1, 8)),
        st.tuples(st.just("commit"), st.integers(0, 100)),
        st.tuples(st.just("restart")),
    ),
    min_size=8,
    max_size=40,
)


@dataclass(slots=True)
class Consumer:
    """A consumer and what it may expect: `given` since its start, `wanted` by what it committed."""

    subscription: Subscription
    committed: dict[TopicPartition, int]
    start: Offsets
    given: list[Entry] = field(default_factory=list)

    async def commit(self, upto: int) -> None:
        """Commits what the first `upto` entries given come to, never going back."""
        offsets = {
            tp: next_
            for tp, next_ in next_offsets(self.given[:upto]).items()
            if next_ >= self.committed.get(tp, 0)
        }
        await self.subscription.commit(offsets)
        self.committed |= offsets


def of_partition(entries: list[Entry], tp: TopicPartition) -> list[Entry]:
    return [entry for entry in entries if entry.topic_partition == tp]


async def live(engine: Engine, steps: list[tuple[object, ...]]) -> None:
    clock = FakeClock()
    appended = 0
    async with engine.open(clock) as stack:
        consumer = Consumer(await stack.log.subscribe("readers", TOPICS), {}, {})
        for step in steps:
            match step:
                case ("append", str(topic), list(keys)):
                    await stack.log.append(
                        [OutboxRecord(topic, key, b"%d" % (appended + n)) for n, key in enumerate(keys)]
                    )
                    appended += len(keys)
                case ("poll", int(limit)):
                    polled = await consumer.subscription.poll(max_entries=limit, timeout_s=engine.quiet_s)
                    assert len(polled) <= limit
                    consumer.given += polled
                case ("commit", int(percent)):
                    await consumer.commit(len(consumer.given) * percent // 100)
                case _:
                    await check(stack, consumer)
                    await consumer.subscription.close()
                    start = dict(consumer.committed)
                    consumer = Consumer(await stack.log.subscribe("readers", TOPICS), start, dict(start))
        consumer.given += await drain(consumer.subscription, engine)
        await check(stack, consumer)
        everything = await everything_in(stack, engine)
        assert sorted(int(entry.value) for entry in everything) == list(range(appended))
        for tp in {entry.topic_partition for entry in everything}:
            wanted = [e for e in of_partition(everything, tp) if e.offset >= consumer.start.get(tp, 0)]
            assert of_partition(consumer.given, tp) == wanted
        await consumer.commit(len(consumer.given))
        assert await stack.log.lag("readers", TOPICS) == dict.fromkeys(TOPICS, 0)
        await consumer.subscription.close()
        again = await stack.log.subscribe("readers", TOPICS)
        assert await drain(again, engine) == []
        await again.close()


async def check(stack: Stack, consumer: Consumer) -> None:
    """What was given so far is a run of each partition, from where it was committed, in order."""
    replay = await stack.log.subscribe("checkers", TOPICS, start=consumer.start)
    expected = list(await replay.poll(max_entries=1_000_000, timeout_s=0))
    await replay.close()
    for tp in {entry.topic_partition for entry in consumer.given}:
        run = of_partition(consumer.given, tp)
        assert run == of_partition(expected, tp)[: len(run)]
    behind = await stack.log.lag("readers", TOPICS)
    uncommitted = [e for e in expected if e.offset >= consumer.committed.get(e.topic_partition, 0)]
    assert sum(behind.values()) == len(uncommitted)


async def everything_in(stack: Stack, engine: Engine) -> list[Entry]:
    subscription = await stack.log.subscribe("everything", TOPICS, start={})
    entries = await drain(subscription, engine)
    await subscription.close()
    return entries


@pytest.mark.parametrize("name", sorted(ENGINES))
@settings(max_examples=60)
@given(steps=STEPS)
def test_nothing_is_lost_or_reordered_whatever_happens(name: str, steps: list[tuple[object, ...]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(live(ENGINES[name](Path(directory)), steps))
