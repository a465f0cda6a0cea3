"""Lanes of a log, and their merge by time: the same on every adapter."""

from __future__ import annotations

import asyncio
import random

from eventlog.envelope import decode_envelope
from eventlog.log import Entry, Lane, LaneSubscription, OperatedLog, TopicPartition, next_offsets
from eventlog.merged import MergedLog
from eventlog.schema import EDGES, VIEWS, LikeSet, Viewed, record_of
from stores.ports import OutboxRecord

GROUP = "lanes"
NOW_MS = 1_700_000_000_000


def view(number: int, viewer: int) -> OutboxRecord:
    event = Viewed(viewer, b"%d" % number, 5, 6, "seen")
    return record_of(event, id=number, ts_ms=NOW_MS + number, key=viewer)


def like(number: int, tweet: int) -> OutboxRecord:
    return record_of(LikeSet(1, tweet, True, 6), id=number, ts_ms=NOW_MS + number, key=tweet)


def events(count: int) -> list[OutboxRecord]:
    """In the order of their times; of both kinds, and over all partitions."""
    return [(like if i % 3 == 0 else view)(i, i) for i in range(1, count + 1)]


def numbers(entries: list[Entry]) -> list[int]:
    return [decode_envelope(entry.value).id for entry in entries]


async def read(
    subscription: LaneSubscription, found: dict[Lane, list[Entry]], count: int, skip: frozenset[Lane]
) -> frozenset[Lane]:
    """Looks until there are so many; which lanes are then behind."""
    async with asyncio.timeout(30):
        while True:
            looked = await subscription.look(max_entries=7, timeout_s=0.2, skip=skip)
            for lane, entries in looked.by_lane.items():
                found.setdefault(lane, []).extend(entries)
            if sum(map(len, found.values())) >= count and looked.behind <= skip:
                return looked.behind


async def test_a_look_gives_each_lane_in_its_order_and_ends_with_none_behind(log: OperatedLog) -> None:
    await log.append(events(60))
    subscription = await log.subscribe(GROUP, [VIEWS, EDGES], start={})
    found: dict[Lane, list[Entry]] = {}
    assert await read(subscription, found, 60, frozenset()) == frozenset()
    for lane, entries in found.items():
        assert {entry.topic for entry in entries} == {lane.topic}
        assert [entry.offset for entry in entries] == sorted(entry.offset for entry in entries)
    assert sorted(numbers([one for entries in found.values() for one in entries])) == list(range(1, 61))
    await subscription.close()


async def test_lanes_that_are_skipped_lose_nothing_and_stay_behind(log: OperatedLog) -> None:
    await log.append(events(60))
    subscription = await log.subscribe(GROUP, [VIEWS, EDGES], start={})
    first = await subscription.look(max_entries=1, timeout_s=5.0)
    while not first.by_lane:
        first = await subscription.look(max_entries=1, timeout_s=5.0)
    (lane,) = first.by_lane
    found = {lane: list(first.by_lane[lane])}
    others: dict[Lane, list[Entry]] = {}
    of_lane = [one for one in range(1, 61) if (one % 3 == 0) == (lane.topic == EDGES)]
    await read(subscription, others, 60 - len(of_lane), frozenset([lane]))
    assert lane not in others
    await read(subscription, others | found, 60, frozenset())
    await subscription.close()


async def test_partitions_that_are_merged_come_in_the_order_of_time(log: OperatedLog) -> None:
    await log.append(events(300))

    async def reached() -> dict[TopicPartition, int]:
        return {}

    found: list[Entry] = []
    start: dict[TopicPartition, int] = {}
    dice = random.Random(1)
    async with asyncio.timeout(60):
        while len(found) < 300:
            subscription = await MergedLog(log, reached).subscribe(GROUP, [VIEWS, EDGES], start=start)
            for _ in range(dice.randrange(1, 4)):
                batch = list(await subscription.poll(max_entries=50, timeout_s=0.5))
                found += batch
                start |= next_offsets(batch)
            await subscription.close()
    assert numbers(found) == list(range(1, 301))
