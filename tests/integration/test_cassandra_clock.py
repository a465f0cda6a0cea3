"""A wall clock that steps back by 5 s, under the outbox and the relay: what is written waits, and stays."""

from __future__ import annotations

import pytest

from stores.cassandra.outbox import BUCKET_MS
from tests.cassandra_keyspace import Keyspace
from tests.integration.cassandra_faults import Cluster, Died, Fuse
from tests.integration.cassandra_writes import WRITES, Write, key_of, keyed_tweet, tweet_stands, user

STEP_MS = -5_000
CALLS = 5
"""What a tweet with a key takes before its answer: claim, commit, and the tables."""


async def abandoned(cluster: Cluster, write: Write, n: int) -> None:
    """Written by one who died after the commit: a profile is looked for and claimed before, a key claimed."""
    with pytest.raises(Died):
        await write(cluster.process(Fuse(3 if write is user else 2, after=True)), n, cluster.clock)


async def relayed(cluster: Cluster, seconds: int) -> int:
    """What the relay finished while so much time passed."""
    done = 0
    for _ in range(seconds):
        cluster.clock.advance(1_000)
        done += await cluster.relay().round()
    return done


async def test_what_dead_writers_left_on_both_sides_of_the_step_is_relayed_once(
    cluster: Cluster, keyspace: Keyspace
) -> None:
    cluster.clock.advance(1_000)
    bucket = cluster.clock.now_ms() // BUCKET_MS
    await cluster.relay().round()
    writes = [write for write, _ in WRITES.values()]
    for n, write in enumerate(writes):
        await abandoned(cluster, write, n)
    cluster.clock.step_wall(STEP_MS)
    assert cluster.clock.now_ms() // BUCKET_MS == bucket - 1
    for n, write in enumerate(writes, 10):
        await abandoned(cluster, write, n)
    assert await relayed(cluster, 10) == 2 * len(writes)
    assert keyspace.outbox_rows() == 0
    for first in (0, 10):
        for n, (_, stands) in enumerate(WRITES.values(), first):
            assert await stands(cluster.healthy, n)
            assert len([one for one in cluster.log.records if one.key == key_of(n)]) == 1


@pytest.mark.parametrize("at", range(1, CALLS + 1))
async def test_a_request_that_is_repeated_after_the_step_is_the_same_request(
    cluster: Cluster, keyspace: Keyspace, at: int
) -> None:
    cluster.clock.advance(1_000)
    await cluster.relay().round()
    fuse = Fuse(at)
    with pytest.raises(Died):
        await keyed_tweet(cluster.process(fuse), at, cluster.clock)
    assert fuse.blown
    cluster.clock.step_wall(STEP_MS)
    await keyed_tweet(cluster.healthy, at, cluster.clock)
    await cluster.healthy.publication.settle()
    await relayed(cluster, 10)
    assert await tweet_stands(cluster.healthy, at)
    assert len(cluster.log.told(key_of(at))) == 1
    assert keyspace.outbox_rows() == 0
