"""OperatedLog under any history of appends, polls, commits and restarts: nothing is lost or reordered."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventlog.log import Entry, Offsets, OperatedLog, Subscription, TopicPartition, next_offsets
from eventlog.schema import DEAD_LETTERS, VIEWS
from stores.ports import OutboxRecord
from tests.contracts.log_engines import KafkaLogEngine, LogEngine, SqliteLogEngine, drain, kafka_address

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


async def live(engine: LogEngine, steps: list[tuple[object, ...]]) -> None:
    appended = 0
    async with engine.open() as log:
        consumer = Consumer(await log.subscribe("readers", TOPICS), {}, {})
        for step in steps:
            match step:
                case ("append", str(topic), list(keys)):
                    await log.append(
                        [OutboxRecord(topic, key, b"%d" % (appended + n)) for n, key in enumerate(keys)]
                    )
                    appended += len(keys)
                case ("poll", int(limit)):
                    polled = await consumer.subscription.poll(max_entries=limit, timeout_s=0.01)
                    assert len(polled) <= limit
                    consumer.given += polled
                case ("commit", int(percent)):
                    await consumer.commit(len(consumer.given) * percent // 100)
                case _:
                    await check(log, consumer)
                    await consumer.subscription.close()
                    start = dict(consumer.committed)
                    consumer = Consumer(await log.subscribe("readers", TOPICS), start, dict(start))
        consumer.given += await drain(log, consumer.subscription, TOPICS)
        await check(log, consumer)
        everything = await everything_in(log)
        assert sorted(int(entry.value) for entry in everything) == list(range(appended))
        for tp in {entry.topic_partition for entry in everything}:
            wanted = [e for e in of_partition(everything, tp) if e.offset >= consumer.start.get(tp, 0)]
            assert of_partition(consumer.given, tp) == wanted
        await consumer.commit(len(consumer.given))
        assert await log.lag("readers", TOPICS) == dict.fromkeys(TOPICS, 0)
        await consumer.subscription.close()
        again = await log.subscribe("readers", TOPICS)
        assert await drain(log, again, TOPICS) == []
        await again.close()


async def check(log: OperatedLog, consumer: Consumer) -> None:
    """What was given so far is a run of each partition, from where it was committed, in order."""
    replay = await log.subscribe("checkers", TOPICS, start=consumer.start)
    expected = await drain(log, replay, TOPICS)
    await replay.close()
    for tp in {entry.topic_partition for entry in consumer.given}:
        run = of_partition(consumer.given, tp)
        assert run == of_partition(expected, tp)[: len(run)]
    behind = await log.lag("readers", TOPICS)
    uncommitted = [e for e in expected if e.offset >= consumer.committed.get(e.topic_partition, 0)]
    assert sum(behind.values()) == len(uncommitted)


async def everything_in(log: OperatedLog) -> list[Entry]:
    subscription = await log.subscribe("everything", TOPICS, start={})
    entries = await drain(log, subscription, TOPICS)
    await subscription.close()
    return entries


@settings(max_examples=60)
@given(steps=STEPS)
def test_nothing_is_lost_or_reordered_in_the_embedded_log(steps: list[tuple[object, ...]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(live(SqliteLogEngine(directory), steps))


# The broker outlives the examples, each of which has topics of its own.
@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_nothing_is_lost_or_reordered_on_kafka(kafka_server: str, steps: list[tuple[object, ...]]) -> None:
    engine = KafkaLogEngine(kafka_address(kafka_server))
    try:
        asyncio.run(live(engine, steps))
    finally:
        engine.remove()
