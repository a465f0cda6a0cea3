"""Appends and commits whose answer is lost: what the port says of an unknown outcome, on a real Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from core.errors import ConfigurationError, Unavailable
from eventlog.kafka_log import KafkaEventLog
from eventlog.kafka_options import KafkaOptions
from eventlog.kafka_topics import TopicSpec, ensure_topics
from eventlog.log import OperatedLog, next_offsets
from eventlog.reading import read
from eventlog.schema import TWEETS, VIEWS
from stores.ports import OutboxRecord
from tests.contracts.log_engines import delete_topics, kafka_address
from tests.proxy import Cut, Proxy, is_metadata, is_offset_commit, is_produce, kafka_proxy


@dataclass(frozen=True, slots=True)
class Cluster:
    """A log behind a proxy, and beside it one that reaches the broker directly."""

    proxy: Proxy
    log: KafkaEventLog
    direct: KafkaEventLog
    options: KafkaOptions


@pytest.fixture
async def cluster(kafka_server: str) -> AsyncIterator[Cluster]:
    bootstrap, prefix = kafka_address(kafka_server).split(" ")
    direct_options = KafkaOptions(bootstrap=bootstrap, prefix=prefix, linger_ms=0)
    await ensure_topics(direct_options, [TopicSpec(VIEWS, 2, max_bytes=100_000)], replication=1)
    proxy = kafka_proxy(bootstrap)
    async with proxy.listening():
        options = replace(
            direct_options,
            bootstrap=f"{proxy.host}:{proxy.port}",
            append_timeout_s=1.5,
            call_timeout_s=1.5,
            request_timeout_ms=1_000,
            silence_s=1.0,
        )
        async with KafkaEventLog(options) as log, KafkaEventLog(direct_options) as direct:
            yield Cluster(proxy, log, direct, options)
    await delete_topics(direct_options)


def views(*numbers: int, key: int = 7) -> list[OutboxRecord]:
    return [OutboxRecord(VIEWS, key, b"%d" % number) for number in numbers]


async def values(log: OperatedLog) -> list[int]:
    return [int(entry.value) async for entry in read(log, [VIEWS])]


async def until_appended(log: OperatedLog, records: list[OutboxRecord]) -> int:
    """As the relay does; how often it was told that the outcome is unknown."""
    unknown = 0
    while True:
        try:
            await log.append(records)
        except Unavailable:
            unknown += 1
        else:
            return unknown


@pytest.mark.parametrize("where", list(Cut))
async def test_an_answer_that_is_lost_once_doubles_nothing(cluster: Cluster, where: Cut) -> None:
    await cluster.log.append(views(1))
    cluster.proxy.cut(where, is_produce)
    await cluster.log.append(views(2))
    await cluster.log.append(views(3))
    assert cluster.proxy.cuts == 1
    assert await values(cluster.direct) == [1, 2, 3]


@pytest.mark.parametrize("where", list(Cut))
async def test_an_unknown_outcome_is_said_and_can_be_repeated(cluster: Cluster, where: Cut) -> None:
    await cluster.log.append(views(1))
    cluster.proxy.cut(where, is_produce, then_away=True)
    with pytest.raises(Unavailable):
        await cluster.log.append(views(2))
    assert cluster.proxy.cuts == 1
    cluster.proxy.come_back()
    await until_appended(cluster.log, views(2))
    await cluster.log.append(views(3))
    seen = await values(cluster.direct)
    # The first one may be there as well; whatever is there is in order.
    assert seen in ([1, 2, 3], [1, 2, 2, 3])


async def test_while_kafka_is_away_nothing_hangs_and_afterwards_all_goes_on(cluster: Cluster) -> None:
    await cluster.log.append(views(1))
    subscription = await cluster.log.subscribe("readers", [VIEWS])
    seen = list(await subscription.poll(max_entries=10, timeout_s=60))
    await subscription.commit(next_offsets(seen))
    cluster.proxy.go_away()
    with pytest.raises(Unavailable):
        await cluster.log.append(views(2))
    with pytest.raises(Unavailable):
        await cluster.log.lag("readers", [VIEWS])
    with pytest.raises(Unavailable):
        # It takes a second of silence to notice; the poll does not wait for the rest of its time.
        await subscription.poll(max_entries=10, timeout_s=60)
    with pytest.raises(Unavailable):
        await subscription.commit(next_offsets(seen))
    cluster.proxy.come_back()
    await until_appended(cluster.log, views(2))
    await cluster.log.append(views(3))
    while not seen or seen[-1].value != b"3":
        try:
            seen += await subscription.poll(max_entries=10, timeout_s=1)
        except Unavailable:
            continue
    await subscription.commit(next_offsets(seen))
    assert sorted({int(entry.value) for entry in seen}) == [1, 2, 3]
    assert await cluster.direct.lag("readers", [VIEWS]) == {VIEWS: 0}
    await subscription.close()


async def test_the_first_use_of_a_topic_asks_for_nothing(cluster: Cluster) -> None:
    await ensure_topics(cluster.options, [TopicSpec(TWEETS, 2)], replication=1)
    await cluster.log.append(views(1))
    cluster.proxy.cut(Cut.AFTER_REQUEST, is_metadata)
    await cluster.log.append([OutboxRecord(TWEETS, 7, b"2")])
    assert cluster.proxy.cuts == 0


async def test_a_topic_that_is_used_first_while_kafka_is_away_is_not_taken_for_missing(
    cluster: Cluster,
) -> None:
    await cluster.log.append(views(1))
    # Made after the producer looked which there are.
    await ensure_topics(cluster.options, [TopicSpec(TWEETS, 2)], replication=1)
    cluster.proxy.go_away()
    tweet = OutboxRecord(TWEETS, 7, b"2")
    with pytest.raises(Unavailable):
        await cluster.log.append([tweet])
    with pytest.raises(Unavailable):
        await cluster.log.append([tweet])
    cluster.proxy.come_back()
    await until_appended(cluster.log, [tweet])
    assert [entry.value async for entry in read(cluster.direct, [TWEETS])] == [b"2"]


async def test_a_topic_that_is_missing_is_said(cluster: Cluster) -> None:
    await cluster.log.append(views(1))
    with pytest.raises(ConfigurationError, match=r"no topic .*tweets\.v1.*rankfeed migrate"):
        await cluster.log.append([OutboxRecord(TWEETS, 7, b"2")])
    await cluster.log.append(views(3))
    assert await values(cluster.direct) == [1, 3]


@pytest.mark.parametrize("where", list(Cut))
async def test_a_commit_whose_answer_is_lost_is_repeated(cluster: Cluster, where: Cut) -> None:
    await cluster.log.append(views(1, 2))
    subscription = await cluster.log.subscribe("readers", [VIEWS])
    entries = await subscription.poll(max_entries=10, timeout_s=60)
    cluster.proxy.cut(where, is_offset_commit)
    await subscription.commit(next_offsets(entries))
    assert cluster.proxy.cuts == 1
    assert await cluster.direct.lag("readers", [VIEWS]) == {VIEWS: 0}
    await subscription.close()


async def test_a_slow_broker_loses_nothing(cluster: Cluster) -> None:
    cluster.proxy.delay_s = 0.02
    await asyncio.gather(*(cluster.log.append(views(number, key=number)) for number in range(50)))
    assert sorted(await values(cluster.log)) == list(range(50))


async def test_a_record_that_the_broker_refuses_does_not_stop_those_after_it(cluster: Cluster) -> None:
    await cluster.log.append(views(1))
    with pytest.raises(ConfigurationError, match=r"max\.message\.bytes"):
        await cluster.log.append([OutboxRecord(VIEWS, 7, b"x" * 200_000)])
    # The driver alone would be refused from here on: the refused record had a number.
    await cluster.log.append(views(2))
    await cluster.log.append(views(3))
    assert await values(cluster.direct) == [1, 2, 3]


async def test_an_append_whose_caller_gave_up_may_still_arrive_and_breaks_nothing(cluster: Cluster) -> None:
    await cluster.log.append(views(1))
    cluster.proxy.delay_s = 0.2
    given_up = asyncio.ensure_future(cluster.log.append(views(2)))
    await cluster.direct.lag("readers", [VIEWS])
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    cluster.proxy.delay_s = 0.0
    await cluster.log.append(views(3))
    assert await values(cluster.direct) in ([1, 3], [1, 2, 3])
