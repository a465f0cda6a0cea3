"""Whoever dies wherever: what was acknowledged stands whole and is told of, repeats are harmless."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest

from stores.cassandra.assembly import CassandraStores
from stores.ports import Posted
from tests.cassandra_keyspace import Keyspace
from tests.integration.cassandra_faults import Cluster, Died, Fuse
from tests.integration.cassandra_writes import (
    WRITES,
    Write,
    idempotent,
    key_of,
    retweet_of,
    retweet_stands,
    tweet_of,
    tweet_stands,
)

RELAYED = ("tweet", "delete", "follow", "block", "like", "user")
"""A relay's own calls are the same for all; these differ in what its effects are."""
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


async def calls_of(cluster: Cluster, kind: str) -> int:
    """How many calls a write makes, its publication included."""
    fuse = Fuse()
    await prepared(cluster, kind, 0)
    await attempt(cluster, cluster.process(fuse), WRITES[kind].write, 0)
    return fuse.calls


async def prepared(cluster: Cluster, kind: str, n: int) -> None:
    await WRITES[kind].prepare(cluster.healthy, n)
    await cluster.healthy.publication.settle()


@pytest.mark.parametrize("kind", WRITES)
@SIDES
async def test_a_writer_that_dies_leaves_all_of_its_write_or_nothing(
    cluster: Cluster, keyspace: Keyspace, kind: str, after: bool
) -> None:
    write, stands, _ = WRITES[kind]
    relay = cluster.relay()
    outcomes = set()
    for n in range(1, await calls_of(cluster, kind) + 1):
        await prepared(cluster, kind, n)
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
    write = WRITES["keyed tweet"].write
    answers = set()
    for n in range(1, await calls_of(cluster, "keyed tweet") + 1):
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


@pytest.mark.parametrize("kind", RELAYED)
@SIDES
async def test_a_relay_that_dies_leaves_its_work_to_the_next(
    cluster: Cluster, keyspace: Keyspace, kind: str, after: bool
) -> None:
    write, stands, _ = WRITES[kind]
    await cluster.relay().round()
    point, n = 0, 0
    while True:
        point, n = point + 1, n + 1
        await prepared(cluster, kind, n)
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


@SIDES
async def test_a_second_retweet_under_another_key_finishes_the_first(
    cluster: Cluster, keyspace: Keyspace, after: bool
) -> None:
    write = WRITES["keyed retweet"].write
    outcomes = set()
    for n in range(1, await calls_of(cluster, "keyed retweet") + 1):
        await attempt(cluster, cluster.process(Fuse(n, after=after)), write, n)
        mine, records = retweet_of(n, variant=1)
        other = replace(idempotent(n, cluster.clock, variant=1), key="other")
        posted = await cluster.healthy.tweets.create(mine, other, records)
        await cluster.healthy.publication.settle()
        cluster.clock.advance(3_000)
        await cluster.relay().round()
        # One of the two stands, and no key stands for the other.
        first_stands = await retweet_stands(cluster.healthy, n)
        there = await cluster.healthy.tweets.get_many([key_of(n), key_of(n) + 1])
        assert list(there) == [key_of(n) if first_stands else key_of(n) + 1]
        assert posted == (Posted(retweet=there[key_of(n)]) if first_stands else Posted())
        kept = await cluster.healthy.answers.first(mine.author_id, "other", cluster.clock.now_ms())
        assert kept == (None if first_stands else other)
        # Its own retry is answered as its first try was, or would have been.
        again, records = retweet_of(n, variant=2)
        posted = await cluster.healthy.tweets.create(again, idempotent(n, cluster.clock), records)
        if first_stands:
            assert posted == Posted(await cluster.healthy.answers.first(again.author_id, "k", 0))
        else:
            assert posted == Posted(retweet=there[key_of(n) + 1])
        outcomes.add(first_stands)
        assert keyspace.outbox_rows() == 0
    assert outcomes == ({True} if after else {True, False})


@SIDES
async def test_a_retweet_whose_key_was_used_otherwise_never_takes_place(
    cluster: Cluster, keyspace: Keyspace, after: bool
) -> None:
    write, outcomes = WRITES["keyed retweet"].write, set()
    for n in range(1, await calls_of(cluster, "keyed retweet") + 1):
        await attempt(cluster, cluster.process(Fuse(n, after=after)), write, n)
        mine, records = retweet_of(n, variant=1)
        first = await cluster.healthy.answers.keep(mine.author_id, idempotent(n, cluster.clock, variant=9))
        posted = await cluster.healthy.tweets.create(mine, None, records)
        await cluster.healthy.publication.settle()
        cluster.clock.advance(3_000)
        await cluster.relay().round()
        there = await cluster.healthy.tweets.get_many([key_of(n), key_of(n) + 1])
        assert list(there) == [key_of(n) + 1 if first is None else key_of(n)]
        assert posted == (Posted() if first is None else Posted(retweet=there[key_of(n)]))
        assert len(cluster.log.told(key_of(n))) == 1
        outcomes.add(first is None)
    assert outcomes == {True, False}


@SIDES
async def test_a_follow_that_a_dead_block_ended_is_told_of(
    cluster: Cluster, keyspace: Keyspace, after: bool
) -> None:
    write, stands, _ = WRITES["block"]
    for n in range(1, await calls_of(cluster, "block") + 1):
        await prepared(cluster, "block", n)
        await attempt(cluster, cluster.process(Fuse(n, after=after)), write, n)
        cluster.clock.advance(3_000)
        await cluster.relay().round()
        assert len(cluster.log.told(key_of(n) + 1)) == await stands(cluster.healthy, n)
        assert keyspace.outbox_rows() == 0
