"""Whoever dies wherever: what was acknowledged stands whole and is told of, repeats are harmless."""

from __future__ import annotations

import contextlib

import pytest

from stores.cassandra.assembly import CassandraStores
from tests.cassandra_keyspace import Keyspace
from tests.integration.cassandra_faults import Cluster, Died, Fuse
from tests.integration.cassandra_writes import WRITES, Write, idempotent, key_of, tweet_of, tweet_stands

SIDES = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])


async def attempt(cluster: Cluster, stores: CassandraStores, write: Write, n: int) -> bool:
    """Writes in a process that may die; whether it answered before."""
    answered = False
    with contextlib.suppress(Died):
        await write(stores, n, cluster.clock)
        answered = True
        await stores.publication.settle()
    with contextlib.suppress(Died):
        await stores.publication.close(0)
    return answered


async def calls_of(cluster: Cluster, write: Write) -> int:
    """How many calls a write makes, its publication included."""
    fuse = Fuse()
    await attempt(cluster, cluster.process(fuse), write, 0)
    return fuse.calls


@pytest.mark.parametrize("kind", WRITES)
@SIDES
async def test_a_writer_that_dies_leaves_all_of_its_write_or_nothing(
    cluster: Cluster, keyspace: Keyspace, kind: str, after: bool
) -> None:
    write, stands = WRITES[kind]
    relay = cluster.relay()
    outcomes = set()
    for n in range(1, await calls_of(cluster, write) + 1):
        fuse = Fuse(n, after=after)
        answered = await attempt(cluster, cluster.process(fuse), write, n)
        assert fuse.blown
        cluster.clock.advance(3_000)
        await relay.round()
        stood = await stands(cluster.healthy, n)
        outcomes.add(stood)
        assert stood or not answered
        assert len(cluster.log.told(key_of(n))) == stood
        # And once more, by its client and by the relay.
        assert await attempt(cluster, cluster.healthy, write, n)
        cluster.clock.advance(3_000)
        await relay.round()
        assert await stands(cluster.healthy, n)
        assert len(cluster.log.told(key_of(n))) == 1
        assert keyspace.outbox_rows() == 0
    # Where the first call is the commit itself, nothing is ever left undone.
    assert True in outcomes


@SIDES
async def test_a_retry_under_the_same_key_never_posts_twice(
    cluster: Cluster, keyspace: Keyspace, after: bool
) -> None:
    write, _ = WRITES["keyed tweet"]
    answers = set()
    for n in range(1, await calls_of(cluster, write) + 1):
        await attempt(cluster, cluster.process(Fuse(n, after=after)), write, n)
        # The client asks again, another process, before any relay came by; it has minted another id.
        second, record = tweet_of(n, variant=1)
        posted = await cluster.healthy.tweets.create(
            second, idempotent(n, cluster.clock, variant=1), [record]
        )
        await cluster.healthy.publication.settle()
        first_stands = await tweet_stands(cluster.healthy, n)
        assert first_stands == (posted.first is not None)
        answers.add(first_stands)
        cluster.clock.advance(3_000)
        await cluster.relay().round()
        there = await cluster.healthy.tweets.get_many([key_of(n), key_of(n) + 1])
        assert list(there) == [key_of(n) if first_stands else key_of(n) + 1]
        assert len(cluster.log.told(key_of(n))) == 1
        assert keyspace.outbox_rows() == 0
    assert True in answers


@pytest.mark.parametrize("kind", WRITES)
@SIDES
async def test_a_relay_that_dies_leaves_its_work_to_the_next(
    cluster: Cluster, keyspace: Keyspace, kind: str, after: bool
) -> None:
    write, stands = WRITES[kind]
    await cluster.relay().round()
    point, n = 0, 0
    while True:
        point, n = point + 1, n + 1
        await abandon(cluster, write, n, keyspace)
        cluster.clock.advance(3_000)
        fuse = Fuse(point, after=after)
        with contextlib.suppress(Died):
            await cluster.relay(fuse).round()
        await cluster.relay().round()
        assert await stands(cluster.healthy, n)
        assert len(cluster.log.told(key_of(n))) == 1
        assert keyspace.outbox_rows() == 0
        if not fuse.blown:
            break
    # Mark, buckets, effects, publication, deletion.
    assert point > 5


async def abandon(cluster: Cluster, write: Write, n: int, keyspace: Keyspace) -> None:
    """A write whose writer died right after its commit."""
    for point in range(1, 20):
        await attempt(cluster, cluster.process(Fuse(point, after=True)), write, n)
        if keyspace.outbox_rows():
            return
    raise AssertionError("no call committed anything")
