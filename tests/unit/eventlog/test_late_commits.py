"""Late commits: the log is told no more than what has come of the events."""

from __future__ import annotations

import asyncio

import pytest

from core.errors import Unavailable
from eventlog.late_commits import LateCommitLog
from eventlog.log import Offsets, Subscription, TopicPartition
from tests.unit.eventlog.fake_log import FakeLog

TP = TopicPartition("edges.v1", 0)


class FakeEffects:
    """Those before `first_waiting` are made."""

    def __init__(self) -> None:
        self.first_waiting = 0
        self.away = False

    def done(self, handled: Offsets) -> Offsets:
        return {tp: min(next_, self.first_waiting) for tp, next_ in handled.items()}

    async def finish(self) -> None:
        if self.away:
            raise Unavailable("away")
        self.first_waiting = 1_000


class World:
    def __init__(self) -> None:
        self.log = FakeLog(asyncio.Event())
        self.effects = FakeEffects()
        for _ in range(3):
            self.log.publish("edges.v1", 1, b"")

    async def subscribe(self) -> Subscription:
        return await LateCommitLog(self.log, self.effects).subscribe("group", ["edges.v1"])


async def poll(subscription: Subscription) -> int:
    return len(await subscription.poll(max_entries=10, timeout_s=0.0))


async def test_nothing_is_committed_before_it_is_done() -> None:
    world = World()
    subscription = await world.subscribe()
    assert await poll(subscription) == 3
    await subscription.commit({TP: 21})
    assert world.log.commits == 0
    await poll(subscription)
    assert world.log.committed == {TP: 0}
    world.effects.first_waiting = 10
    await poll(subscription)
    assert world.log.committed == {TP: 10}
    world.effects.first_waiting = 50
    await poll(subscription)
    assert world.log.committed == {TP: 21}
    assert await subscription.positions() == {TP: 21}


async def test_the_same_is_said_once() -> None:
    world = World()
    subscription = await world.subscribe()
    await poll(subscription)
    await subscription.commit({TP: 21})
    world.effects.first_waiting = 10
    for _ in range(3):
        await poll(subscription)
    assert world.log.commits == 1
    world.effects.first_waiting = 50
    for _ in range(3):
        await poll(subscription)
    assert world.log.commits == 2
    # Given again, it is committed again.
    await subscription.commit({TP: 21})
    await poll(subscription)
    assert world.log.commits == 3


async def test_a_commit_that_failed_is_made_again() -> None:
    world = World()
    subscription = await world.subscribe()
    await subscription.commit({TP: 21})
    world.effects.first_waiting = 50
    world.log.failing["commit"] = [Unavailable("away")]
    with pytest.raises(Unavailable):
        await poll(subscription)
    await poll(subscription)
    assert world.log.committed == {TP: 21}


async def test_closing_finishes_what_waits() -> None:
    world = World()
    subscription = await world.subscribe()
    await subscription.commit({TP: 21})
    await subscription.close()
    assert world.log.committed == {TP: 21}
    assert world.log.subscriptions[0].closed


async def test_what_cannot_be_finished_is_not_committed() -> None:
    world = World()
    world.effects.away = True
    subscription = await world.subscribe()
    await subscription.commit({TP: 21})
    await subscription.close()
    assert world.log.committed == {}
    assert world.log.subscriptions[0].closed


async def test_the_rest_of_the_log_is_as_it_is() -> None:
    world = World()
    log = LateCommitLog(world.log, world.effects)
    await log.append([])
    assert await log.lag("group", ["edges.v1"]) == {"edges.v1": 3}
