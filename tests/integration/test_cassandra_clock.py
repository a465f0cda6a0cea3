"""A wall clock that steps back by 5 s, under the outbox and the relay: what is written waits, and stays."""

from __future__ import annotations

import pytest

from stores.cassandra.outbox import BUCKET_MS
from tests.cassandra_keyspace import Keyspace
from tests.integration.cassandra_faults import Cluster, Died, Fuse
from tests.integration.cassandra_writes import WRITES, key_of, keyed_tweet, tweet_stands

STEP_MS = -5_000
CALLS = 5
"""What a tweet with a key takes before its answer: claim, commit, and the tables."""


COMMITS = {"tweet": 2, "keyed tweet": 2, "follow": 4, "like": 2, "user": 3}
"""Kinds of writes, and the call by which each is committed: what comes before are claims and looks."""


async def abandoned(cluster: Cluster, kind: str, n: int) -> None:
    """Written by one who died after the commit."""
    with pytest.raises(Died):
        await WRITES[kind].write(cluster.process(Fuse(COMMITS[kind], after=True)), n, cluster.clock)


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
    for n, kind in enumerate(COMMITS):
        await abandoned(cluster, kind, n)
    cluster.clock.step_wall(STEP_MS)
    assert cluster.clock.now_ms() // BUCKET_MS == bucket - 1
    for n, kind in enumerate(COMMITS, 10):
        await abandoned(cluster, kind, n)
    assert await relayed(cluster, 10) == 2 * len(COMMITS)
    assert keyspace.outbox_rows() == 0
    for first in (0, 10):
        for n, kind in enumerate(COMMITS, first):
            assert await WRITES[kind].stands(cluster.healthy, n)
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
