"""Takes the steps of a history, and in the end compares all that anybody can read with the truth."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from core.ids import UserId
from tests.histories.hand_fed_log import Group
from tests.histories.history import CONSUMERS, History
from tests.histories.interruption import Operation
from tests.histories.prologue import Prologue
from tests.histories.reading import Reading
from tests.histories.sizes import PEOPLE
from tests.histories.steps import (
    Change,
    Consume,
    Delete,
    Drain,
    Expire,
    Flush,
    FollowCrowd,
    Hear,
    Post,
    Read,
    Redeliver,
    Release,
    Replay,
    Reply,
    Retweet,
    Step,
)
from tests.histories.world import Ground, open_world
from tests.histories.writing import Writing


@dataclass(frozen=True, slots=True)
class Script:
    """A history to be told: who follows whom and who has tweeted before, and then its steps.

    `skew_ms` is by how much the clock of the second API process is off, `followers_mb` what fan-out keeps
    of followers.
    """

    follows: tuple[tuple[int, int], ...]
    tweets: tuple[int, ...]
    steps: tuple[Step, ...]
    skew_ms: int = 0
    followers_mb: int = 1


async def tell(ground: Ground, script: Script) -> Counter[str]:
    """Raises AssertionError where something is not as it must be; returns what happened, how often."""
    async with open_world(ground, script.skew_ms, script.followers_mb) as world:
        history = History(world, [])
        machine = Machine(history)
        await machine.begin(script)
        try:
            for step in script.steps:
                await machine.take(step)
            await machine.finish()
        finally:
            await history.release()
        return history.happened


class Machine:
    def __init__(self, history: History) -> None:
        self._history = history
        self._prologue = Prologue(history)
        self._writing = Writing(history, self._prologue)
        self._reading = Reading(history)

    async def begin(self, script: Script) -> None:
        history = self._history
        history.cast.people = await self._prologue.appear(PEOPLE)
        people = history.cast.people
        for follower, followee in script.follows:
            await self._prologue.follow(people[follower], people[followee])
        for author in script.tweets:
            history.world.clock.advance(1)
            await self._prologue.tell(people[author])
        await history.hear()

    async def take(self, step: Step) -> None:
        begin = self._history.begin
        match step:
            case Post():
                await begin(step.fault, step.via, lambda one: self._writing.post(step, one))
            case Reply():
                await begin(step.fault, step.via, lambda one: self._writing.reply(step, one))
            case Retweet():
                await begin(step.fault, step.via, lambda one: self._writing.retweet(step, one))
            case Delete():
                await begin(step.fault, 0, lambda one: self._writing.delete(step, one))
            case Change():
                await begin(step.fault, step.via, lambda one: self._writing.change(step, one))
            case FollowCrowd():
                await begin(None, 0, lambda _: self._writing.follow_crowd(step))
            case Read():
                await begin(step.fault, step.via, lambda one: self._reading.read(step, one))
            case Consume():
                name = self._name(step.consumer)
                await self._history.begin(
                    step.fault, CONSUMERS, lambda one: self._consume(step, one), consumer=name
                )
            case _:
                await self._disturb(step)

    async def finish(self) -> None:
        """Everything is heard; then every feed, every author's page and every count is the truth's."""
        history, truth = self._history, self._history.truth
        await history.drain()
        await self._check_store()
        people = history.cast.people
        for number, viewer in enumerate(history.cast.everybody):
            await self._reading.whole_feed(viewer, number)
        for number, author in enumerate(people):
            await self._reading.whole_timeline(people[(number + 1) % PEOPLE], author, number)
        await self._reading.single_tweets(people[0])
        # Nothing in Redis is truth: without it the same is read again.
        await history.world.flush()
        await self._reading.whole_feed(people[len(truth.tweets) % PEOPLE], 0)

    async def _disturb(self, step: Step) -> None:
        history, world = self._history, self._history.world
        match step:
            case Flush():
                await world.flush()
                history.lost_something()
                history.happened["flush"] += 1
            case Expire():
                if keys := await world.keys():
                    await world.expire(keys[step.which % len(keys)])
                    history.lost_something()
                    history.happened["expiry"] += 1
            case Redeliver():
                await history.release()
                if self._group(step.consumer).set_back(step.back):
                    history.happened["redelivery"] += 1
            case Replay():
                await history.release()
                if self._group(step.consumer).set_back(_EVERYTHING):
                    history.happened["replay"] += 1
            case Drain():
                await history.drain()
                history.happened["drain"] += 1
            case Hear():
                await history.hear()
            case Release():
                await history.release()

    async def _consume(self, step: Consume, operation: Operation) -> None:
        history, name = self._history, self._name(step.consumer)
        await history.world.refresh()
        batch = self._group(step.consumer).chosen(step.picks)
        if not batch:
            return
        if [entry.offset for entry in batch] != sorted(entry.offset for entry in batch):
            history.happened["disorder"] += 1
        await history.consume(name, batch, operation)

    def _name(self, consumer: int) -> str:
        names = list(self._history.world.log.groups)
        return names[consumer % len(names)]

    def _group(self, consumer: int) -> Group:
        return self._history.world.log.groups[self._name(consumer)]

    async def _check_store(self) -> None:
        """Whatever was answered is there, and nothing else is."""
        truth, stores = self._history.truth, self._history.world.stores
        for user in self._history.cast.everybody:
            followees = (await stores.graph.followees(UserId(user))).ids.tolist()
            expected = truth.followees(user)
            assert followees == expected, f"{user} follows {followees}, and not {expected}"
        known = sorted(truth.tweets)
        live = sorted(await stores.tweets.get_many(known))
        there = [one for one in known if not truth.tweets[one].deleted]
        assert live == there, f"the store has {live}, and not {there}"


_EVERYTHING = 10**9
