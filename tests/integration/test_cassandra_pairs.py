"""Histories of two people who follow, unfollow, block and unblock each other, with deaths anywhere.

In the end no follow stands over a block, both directions of every edge agree, and what consumers
believe, who go by the highest version that they were told of, is what stands.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.ids import UserId
from eventlog.schema import BlockSet, Event, FollowSet, record_of
from stores.cassandra.assembly import CassandraStores
from stores.cassandra.edges import BLOCKS, FOLLOWS
from tests.cassandra_keyspace import Keyspace
from tests.integration.cassandra_faults import Cluster
from tests.integration.cassandra_history import History, Step, told
from tests.integration.cassandra_writes import BASE, edge_stands, follow_ended

HISTORIES = 40
STEPS = 18
# Versions are minted milliseconds apart: one more than a follow's is nobody else's.
APART = 10


def steps_of(history: History, pair: tuple[int, int], first_ver: int) -> list[Step]:
    return [step_of(history, pair, first_ver + APART * n) for n in range(STEPS)]


def step_of(history: History, pair: tuple[int, int], ver: int) -> Step:
    a, b = pair if history.coin() else pair[::-1]
    is_follow = history.random.random() < 0.6
    on = history.random.random() < (0.8 if is_follow else 0.4)
    if is_follow:

        async def follow(stores: CassandraStores) -> None:
            record = record_of(FollowSet(a, b, on), id=ver, ts_ms=5, key=a)
            await stores.graph.set_follow(UserId(a), UserId(b), on=on, ver=ver, outbox=[record])

        return follow

    async def block(stores: CassandraStores) -> None:
        record = record_of(BlockSet(a, b, on), id=ver, ts_ms=5, key=a)
        await stores.graph.set_block(
            UserId(a), UserId(b), on=on, ver=ver, outbox=[record], ended=follow_ended
        )

    return block


def believed(events: Sequence[tuple[int, Event]], kind: type[FollowSet | BlockSet], a: int, b: int) -> bool:
    """Whether a consumer of the log thinks that the edge is on."""
    newest = {True: 0, False: 0}
    for ver, event in events:
        if isinstance(event, kind) and (event.a, event.b) == (a, b):
            newest[event.on] = max(newest[event.on], ver)
    return newest[True] > newest[False]


async def test_no_follow_stands_over_a_block(cluster: Cluster, keyspace: Keyspace) -> None:
    deaths = following = blocked = 0
    for number in range(HISTORIES):
        pair = (BASE + 10 * number, BASE + 10 * number + 1)
        history = History(cluster, number)
        await history.run(steps_of(history, pair, BASE + 1_000 * number))
        events, stores = told(cluster.log), cluster.healthy
        block = await stores.graph.is_blocked(UserId(pair[0]), UserId(pair[1]))
        for a, b in (pair, pair[::-1]):
            follows = await edge_stands(stores, FOLLOWS, a, b)
            assert not (follows and block)
            assert believed(events, FollowSet, a, b) == follows
            blocks = await edge_stands(stores, BLOCKS, a, b)
            assert blocks <= block
            assert believed(events, BlockSet, a, b) == blocks
            following += follows
        assert keyspace.outbox_rows() == 0
        deaths += history.deaths
        blocked += block
        cluster.log.records.clear()
    # The histories are what they are meant to be.
    assert deaths > HISTORIES
    assert HISTORIES * 0.2 < blocked < HISTORIES
    assert following > 3
