"""What each event does to the state of tweets, and what a new process does again."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest

from core.errors import Corrupt, Unavailable
from core.ids import MAX_ID
from eventlog.envelope import decode_envelope
from eventlog.log import Entry, TopicPartition
from eventlog.schema import (
    EDGES,
    TWEETS,
    Event,
    LikeSet,
    ReplySet,
    RetweetSet,
    TweetCreated,
    TweetDeleted,
    record_of,
)
from eventlog.worker import Arrived
from pipelines.recounts import RecountOptions, Recounts
from pipelines.tombstone_repeats import TombstoneRepeats
from pipelines.tweet_state import TweetState, TweetStateHandler
from stores.buckets import bucket_of
from stores.ports import Bucket, Counts
from tests.fakes import FakeClock
from tests.unit.eventlog.fake_log import FakeLog
from tests.unit.pipelines.fake_counts import FakeCountsCache, FakeTombstones
from tests.unit.stores.fake_engagements import FakeEngagementStore

CREATED = TweetCreated(7, 21, "hello", 1_000)


class World:
    def __init__(self, options: RecountOptions | None = None) -> None:
        self.stop = asyncio.Event()
        self.log = FakeLog(self.stop)
        self.engagements = FakeEngagementStore()
        self.cache = FakeCountsCache()
        self.tombstones = FakeTombstones()
        self.clock = FakeClock()
        self.recounts = Recounts(self.engagements, self.cache, self.clock, options)
        self.repeats = TombstoneRepeats(self.tombstones, self.clock)
        self.handler = TweetStateHandler(self.recounts, self.repeats)
        self.numbers = count(1)

    def publish(self, event: Event) -> Arrived:
        number = next(self.numbers)
        record = record_of(event, id=number, ts_ms=self.clock.now_ms(), key=1)
        entry: Entry = self.log.publish(record.topic, record.key, record.value)
        return Arrived(entry, decode_envelope(record.value), event)

    async def handle(self, *events: Event) -> None:
        await self.handler.handle([self.publish(event) for event in events])

    async def run(self) -> None:
        """A process, until it has had everything there is."""
        state = TweetState(self.log, self.recounts, self.repeats, self.clock, lambda: next(self.numbers))
        await state.run(self.stop)


async def test_each_kind_of_edge_makes_its_bucket_dirty() -> None:
    world = World()
    await world.handle(
        LikeSet(101, 7, True),
        LikeSet(102, 7, False),
        RetweetSet(103, 8, True, 1_030),
        ReplySet(1_040, 9, True, 104),
        CREATED,
    )
    await world.recounts.turn()
    assert set(world.engagements.recounts) == {
        Bucket(7, "likes", bucket_of(101)),
        Bucket(7, "likes", bucket_of(102)),
        # By the edge's own id, not by who made it.
        Bucket(8, "retweets", bucket_of(1_030)),
        Bucket(9, "replies", bucket_of(1_040)),
    }
    assert world.tombstones.written == []


async def test_deletions_become_tombstones_in_one_call() -> None:
    world = World()
    await world.handle(TweetDeleted(7, 21), CREATED, TweetDeleted(8, 21), TweetDeleted(7, 21))
    assert world.tombstones.written == [[7, 8]]
    assert len(world.repeats) == 4


async def test_without_redis_a_batch_comes_again() -> None:
    world = World()
    world.tombstones.away = True
    with pytest.raises(Unavailable):
        await world.handle(LikeSet(101, 7, True), TweetDeleted(7, 21))


async def test_no_more_is_taken_than_can_be_remembered() -> None:
    world = World(RecountOptions(most_dirty=1))
    await world.handle(LikeSet(101, 7, True))
    with pytest.raises(Unavailable):
        await world.handle(LikeSet(101, 8, True))
    await world.recounts.finish()
    world.clock.advance(5_000)
    await world.recounts.turn()
    await world.handle(LikeSet(101, 8, True))


@pytest.mark.parametrize(
    "event",
    [
        LikeSet(101, 0, True),
        LikeSet(-1, 7, True),
        LikeSet(101, MAX_ID + 1, True),
        RetweetSet(101, 7, True, 0),
        ReplySet(2**64 - 1, 7, True),
        TweetDeleted(0, 21),
    ],
)
async def test_what_is_no_id_is_set_aside_and_nothing_changed(event: Event) -> None:
    world = World()
    with pytest.raises(Corrupt):
        await world.handle(LikeSet(101, 7, True), TweetDeleted(8, 21), event)
    await world.recounts.turn()
    assert not world.engagements.recounts
    assert world.tombstones.written == []


async def test_a_process_commits_what_it_has_counted() -> None:
    world = World()
    world.engagements.add(7, "likes", 101)
    world.publish(LikeSet(101, 7, True))
    world.publish(LikeSet(-1, 7, True))
    last = world.publish(TweetDeleted(8, 21))
    await world.run()
    assert world.cache.counts == {7: Counts(likes=1)}
    assert world.log.committed == {
        TopicPartition(EDGES, 0): 11,
        TopicPartition(TWEETS, 0): last.entry.offset + 1,
    }
    assert len(world.log.appended) == 1
    assert [8] in world.tombstones.written


async def test_a_process_that_cannot_count_commits_nothing() -> None:
    world = World()
    world.engagements.away = True
    world.publish(LikeSet(101, 7, True))
    await world.run()
    assert world.log.committed.get(TopicPartition(EDGES, 0), 0) == 0


async def test_a_new_process_does_again_what_another_had_committed() -> None:
    world = World()
    world.engagements.add(7, "likes", 101)
    world.publish(LikeSet(101, 7, True))
    world.publish(TweetDeleted(8, 21))
    world.log.publish(EDGES, 1, b"no event")
    world.log.committed = dict(await world.log.ends([EDGES, TWEETS]))
    state = TweetState(world.log, world.recounts, world.repeats, world.clock, lambda: 1)
    # FakeLog's entries are of the year 1970: all of them are looked at.
    world.clock.step_wall(-world.clock.now_ms())
    await state.look_back()
    await world.recounts.turn()
    assert world.cache.counts == {7: Counts(likes=1)}
    assert world.tombstones.written == [[8]]
    assert len(world.repeats) == 2
    assert world.log.appended == []
