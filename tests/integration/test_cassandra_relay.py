"""The relay: what it takes and what it leaves, how its low mark moves, and what it sets aside."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from core.errors import Unavailable
from pipelines.relay import LOW_MARK, TURN, Relay, RelayOptions
from stores.cassandra.entry import decode_entry
from stores.cassandra.outbox import BUCKET_MS, LATE_MS, STALLED_S, CassandraOutbox
from stores.cassandra.session import CassandraSession
from stores.ports import OutboxRecord
from stores.turn import Turn
from tests.cassandra_keyspace import Keyspace
from tests.fakes import FakeClock
from tests.integration.cassandra_faults import Cluster, Died, Fuse, FusedSession, RecordedLog
from tests.integration.cassandra_writes import follow, follow_stands, key_of, tweet, tweet_stands


async def abandoned(cluster: Cluster, n: int) -> None:
    """A tweet whose writer died right after its commit."""
    with pytest.raises(Died):
        await tweet(cluster.process(Fuse(1, after=True)), n, cluster.clock)


def relay_with(cluster: Cluster, log: RecordedLog, options: RelayOptions) -> Relay:
    stores = cluster.healthy
    return Relay(stores.outbox, stores.facts, stores.control, log, cluster.clock, options)


def turn_of(cluster: Cluster, owner: str) -> Turn:
    return Turn(cluster.healthy.control, cluster.clock, TURN, owner)


async def low_mark(cluster: Cluster) -> int:
    stored = await cluster.healthy.control.get(LOW_MARK)
    assert stored is not None
    return int(stored.value)


async def test_young_entries_are_their_writers(cluster: Cluster, keyspace: Keyspace) -> None:
    await abandoned(cluster, 1)
    cluster.clock.advance(1_999)
    assert await cluster.relay().round() == 0
    assert not await tweet_stands(cluster.healthy, 1)
    cluster.clock.advance(1)
    assert await cluster.relay().round() == 1
    assert await tweet_stands(cluster.healthy, 1)
    assert keyspace.outbox_rows() == 0


async def test_the_very_first_relay_finds_what_is_old(cluster: Cluster) -> None:
    await abandoned(cluster, 1)
    cluster.clock.advance(3_600_000)
    assert await cluster.relay().round() == 1
    assert cluster.log.told(key_of(1))


async def test_a_lost_low_mark_is_found_again(cluster: Cluster, keyspace: Keyspace) -> None:
    await cluster.relay().round()
    await abandoned(cluster, 1)
    cluster.clock.advance(3_600_000)
    keyspace.session.execute("TRUNCATE control", timeout=60)
    assert await cluster.relay().round() == 1


async def test_the_low_mark_passes_a_bucket_only_long_after_its_end(cluster: Cluster) -> None:
    relay = cluster.relay()
    await relay.round()
    before = await low_mark(cluster)
    written = cluster.clock.now_ms() // BUCKET_MS
    for _ in range(30):
        cluster.clock.advance(BUCKET_MS // 2)
        await relay.round()
        passed_ms = await low_mark(cluster) * BUCKET_MS
        assert passed_ms <= cluster.clock.now_ms() - LATE_MS
    assert await low_mark(cluster) > max(before, written)


async def test_what_appears_late_in_an_old_bucket_is_relayed(cluster: Cluster) -> None:
    relay = cluster.relay()
    await relay.round()
    healthy = cluster.healthy
    stopped = FakeClock(cluster.clock.now_ms())
    cluster.clock.advance(LATE_MS - 15_000)
    await relay.round()
    await abandoned(cluster, 1)
    (row,) = await healthy.outbox.waiting(healthy.outbox.current_bucket())
    # As if its writer had chosen the bucket, had been stopped, and its row arrived only now.
    await CassandraOutbox(cluster.session, stopped).commit(decode_entry(row.raw))
    await healthy.outbox.delete([row.place])
    cluster.clock.advance(2_000)
    assert await relay.round() == 1
    assert await tweet_stands(healthy, 1)


class SlowSession(FusedSession):
    """The first statement takes longer than a writer may take."""

    def __init__(self, cluster: Cluster, base: CassandraSession) -> None:
        super().__init__(base, Fuse())
        self._cluster_clock = cluster.clock
        self.statements = 0

    async def _run(self, bound: object, profile: object) -> list[Any]:
        answer = await super()._run(bound, profile)
        self.statements += 1
        if self.statements == 1:
            self._cluster_clock.advance(int(STALLED_S * 1000))
        return answer


async def test_a_commit_that_took_too_long_is_made_again_in_the_bucket_of_now(
    cluster: Cluster, keyspace: Keyspace
) -> None:
    former = cluster.healthy.outbox.current_bucket()
    stores = cluster.assembled(SlowSession(cluster, cluster.session))
    cluster.log.failures = [Unavailable("away")] * 1_000
    await tweet(stores, 1, cluster.clock)
    buckets = [row[0] for row in keyspace.session.execute("SELECT bucket FROM outbox")]
    assert buckets == [cluster.healthy.outbox.current_bucket()] != [former]
    await stores.publication.close(0)


async def test_a_log_that_is_away_is_waited_for_and_effects_are_made_once(
    cluster: Cluster, keyspace: Keyspace
) -> None:
    for n in range(1, 4):
        await abandoned(cluster, n)
    cluster.clock.advance(3_000)
    fuse = Fuse()
    relay = cluster.relay(fuse)
    cluster.log.failures = [Unavailable("away")] * 2
    calls = []
    for _ in range(2):
        with pytest.raises(Unavailable):
            await relay.round()
        calls.append(fuse.calls)
    assert calls[1] - calls[0] < calls[0] - 3 * 3
    assert keyspace.outbox_rows() == 3
    assert await relay.round() == 3
    assert [len(cluster.log.told(key_of(n))) for n in range(1, 4)] == [1, 1, 1]
    assert len(cluster.log.records) == 3


async def test_after_the_log_was_away_writers_that_live_come_first(
    cluster: Cluster, keyspace: Keyspace
) -> None:
    for n in range(1, 6):
        await abandoned(cluster, n)
    cluster.clock.advance(3_000)
    cluster.log.failures = [Unavailable("away")]
    relay = relay_with(cluster, cluster.log, RelayOptions(probe=2))
    with pytest.raises(Unavailable):
        await relay.round()
    assert [await relay.round() for _ in range(3)] == [2, 3, 0]
    assert keyspace.outbox_rows() == 0


class Overtaking(RecordedLog):
    """While the relay publishes one entry, a writer publishes and removes all others."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__()
        self._outbox = cluster.healthy.outbox

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        await super().append(records)
        keys = {record.key for record in records}
        waiting = await self._outbox.waiting(self._outbox.current_bucket() - 1)
        waiting += await self._outbox.waiting(self._outbox.current_bucket())
        await self._outbox.delete(
            [row.place for row in waiting if decode_entry(row.raw).records[0].key not in keys]
        )


async def test_what_its_writer_published_meanwhile_is_not_relayed(
    cluster: Cluster, keyspace: Keyspace
) -> None:
    for n in range(1, 6):
        await abandoned(cluster, n)
    cluster.clock.advance(3_000)
    log = Overtaking(cluster)
    relay = relay_with(cluster, log, RelayOptions(batch=1, look_again_s=-1.0))
    assert await relay.round() == 1
    assert len(log.records) == 1
    assert keyspace.outbox_rows() == 0


async def test_what_cannot_be_read_is_set_aside_and_the_others_go_on(
    cluster: Cluster, keyspace: Keyspace
) -> None:
    await abandoned(cluster, 1)
    healthy = cluster.healthy
    keyspace.session.execute(
        "INSERT INTO outbox (shard, bucket, event_id, digest, entry) VALUES (0, %s, 7, %s, %s) "
        "USING TIMESTAMP %s",
        (healthy.outbox.current_bucket(), b"d", b"\xc1 damaged", healthy.outbox.now_us()),
    )
    cluster.clock.advance(3_000)
    assert await cluster.relay().round() == 1
    assert await tweet_stands(healthy, 1)
    assert keyspace.outbox_rows() == 0
    (refused,) = await healthy.outbox.refused()
    assert (refused.event_id, refused.raw) == (7, b"\xc1 damaged")
    assert "outbox entry" in refused.cause


async def test_what_the_log_refuses_is_set_aside_and_can_be_redriven(
    cluster: Cluster, keyspace: Keyspace
) -> None:
    for n in range(1, 4):
        await abandoned(cluster, n)
    cluster.clock.advance(3_000)
    (row,) = [
        row
        for row in await cluster.healthy.outbox.waiting(cluster.healthy.outbox.current_bucket())
        if row.place.event_id == key_of(2)
    ]
    cluster.log.refused = decode_entry(row.raw).records[0].value
    assert await cluster.relay().round() == 2
    (refused,) = await cluster.healthy.outbox.refused()
    assert "too large" in refused.cause
    assert not cluster.log.told(key_of(2))
    cluster.log.refused = None
    await cluster.healthy.outbox.redrive(refused)
    cluster.clock.advance(3_000)
    assert await cluster.relay().round() == 1
    assert cluster.log.told(key_of(2))
    assert await cluster.healthy.outbox.refused() == []
    assert keyspace.outbox_rows() == 0


async def test_two_relays_at_once_leave_the_same_as_one(cluster: Cluster, keyspace: Keyspace) -> None:
    for n in range(1, 40):
        await abandoned(cluster, n)
    cluster.clock.advance(3_000)
    await asyncio.gather(cluster.relay().round(), cluster.relay().round())
    assert all([await tweet_stands(cluster.healthy, n) for n in range(1, 40)])
    assert all(len(cluster.log.told(key_of(n))) == 1 for n in range(1, 40))
    assert keyspace.outbox_rows() == 0


async def test_it_runs_until_it_is_stopped_and_waits_for_its_neighbours(cluster: Cluster) -> None:
    await abandoned(cluster, 1)
    cluster.clock.advance(3_000)
    cluster.log.failures = [Unavailable("away")]
    stop = asyncio.Event()
    running = asyncio.create_task(cluster.relay().run(stop, turn_of(cluster, "one")))
    await cluster.log.appended.wait()
    stop.set()
    await running
    assert await tweet_stands(cluster.healthy, 1)


async def test_it_leaves_the_rows_to_whose_turn_it_is(cluster: Cluster) -> None:
    others = turn_of(cluster, "other")
    assert await others.is_ours()
    await abandoned(cluster, 1)
    cluster.clock.advance(3_000)
    stop = asyncio.Event()
    running = asyncio.create_task(
        relay_with(cluster, cluster.log, RelayOptions(pause_s=0.01)).run(stop, turn_of(cluster, "one"))
    )
    await asyncio.sleep(0.2)
    assert not cluster.log.told(key_of(1))
    # It dies, and its turn with it.
    cluster.clock.advance(6_000)
    await cluster.log.appended.wait()
    stop.set()
    await running
    assert await others.is_ours()


async def test_a_writer_publishes_what_it_wrote_once_the_log_is_back(
    cluster: Cluster, keyspace: Keyspace
) -> None:
    cluster.log.failures = [Unavailable("away")] * 3
    for n in range(1, 20):
        await follow(cluster.healthy, n, cluster.clock)
    await cluster.healthy.publication.settle()
    assert [record.key for record in cluster.log.records] == [key_of(n) for n in range(1, 20)]
    assert all([await follow_stands(cluster.healthy, n) for n in range(1, 20)])
    assert keyspace.outbox_rows() == 0
    cluster.clock.advance(3_000)
    assert await cluster.relay().round() == 0
