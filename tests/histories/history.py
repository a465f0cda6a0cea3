"""One history: its steps taken in a world, and the truth kept beside it."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import NamedTuple

from eventlog.log import Entry
from tests.histories.asgi import NO_ANSWER, Answer
from tests.histories.consumers import PAUSE_MS, PAUSES
from tests.histories.hand_fed_log import Turn
from tests.histories.interruption import Died, Fault, Operation
from tests.histories.truth import Truth
from tests.histories.world import World
from tests.histories.world_clock import STEP_MS

CONSUMERS = -1
"""The place of the consumers' process, where those of the API count from 0."""
_ROUNDS = 50
_PATIENCE_S = 0.3
_BATCH = 500


class Held(NamedTuple):
    """An operation that waits in the middle, in the process at `place`, while the history goes on.

    `consumer` is whose turn it is, where it is one's.
    """

    operation: Operation
    task: asyncio.Task[None]
    place: int
    consumer: str | None


@dataclass(slots=True)
class Cast:
    """Who takes part. The crowd appears when somebody follows it."""

    people: list[int]
    crowd: list[int]

    @property
    def everybody(self) -> list[int]:
        return self.people + self.crowd


class History:
    def __init__(self, world: World, people: list[int]) -> None:
        self.world = world
        self.truth = Truth()
        self.cast = Cast(people, [])
        self.happened: Counter[str] = Counter()
        self.numbers = itertools.count(1)
        self.unclean = False
        """Whether a write was struck since everything was heard last: its effects may be half made."""
        self._held: Held | None = None
        self._undecided = False

    def text(self) -> str:
        return f"number {next(self.numbers)}"

    # -- operations ---------------------------------------------------------------------------------

    async def begin(
        self,
        fault: Fault | None,
        place: int,
        work: Callable[[Operation], Coroutine[None, None, None]],
        consumer: str | None = None,
    ) -> None:
        """Does the work with what its fault makes of it; returns as soon as it ended, or is held."""
        self.world.clock.advance(STEP_MS)
        operation = Operation(fault)
        if self._held is not None and consumer is not None and self._held.consumer == consumer:
            # It has one turn after the other.
            await self.release()
        if fault is None or fault.kind != "held":
            await self._beside_held(work(operation))
            return
        await self.release()
        task = asyncio.create_task(work(operation))
        held = asyncio.create_task(operation.held.wait())
        await asyncio.wait({task, held}, return_when=asyncio.FIRST_COMPLETED)
        held.cancel()
        if task.done():
            task.result()
            return
        self.happened["held"] += 1
        self.unclean |= operation.writes
        self._held = Held(operation, task, place, consumer)

    async def _beside_held(self, work: Coroutine[None, None, None]) -> None:
        """Some things are done one after the other: what waits for who is held has that one go on."""
        if self._held is None:
            await work
            return
        task = asyncio.create_task(work)
        await asyncio.wait({task}, timeout=_PATIENCE_S)
        if not task.done():
            await self.release()
        await task

    async def release(self) -> None:
        """Whoever is held goes on, to the end."""
        if self._held is None:
            return
        held, self._held = self._held, None
        held.operation.released.set()
        await held.task

    @property
    def is_held(self) -> bool:
        return self._held is not None

    @property
    def held_versions(self) -> list[int]:
        """Of the ids that who is held minted."""
        return [] if self._held is None else self._held.operation.versions

    async def request(
        self,
        operation: Operation,
        method: str,
        path: str,
        *,
        user: int,
        via: int = 0,
        query: dict[str, str] | None = None,
        json: dict[str, object] | None = None,
        key: str | None = None,
    ) -> Answer:
        """NO_ANSWER where the process died over it."""
        operation.writes = method != "GET"
        headers = None if key is None else {"Idempotency-Key": key}

        async def ask() -> Answer:
            return await self.world.request(
                method, path, user=user, via=via, query=query, json=json, headers=headers
            )

        try:
            return await self.world.interruptions.run(operation, ask)
        except BaseException as exc:
            if not _is_death(exc):
                raise
            await self._ended(via)
            return NO_ANSWER
        finally:
            self._note(operation)
            if operation.writes and operation.struck is not None:
                self.unclean = self._undecided = True

    async def consume(self, name: str, batch: list[Entry], operation: Operation) -> None:
        async def turn() -> None:
            await self.world.consumers.run(name, Turn(batch))

        try:
            await self.world.interruptions.run(operation, turn)
        except BaseException as exc:
            if not _is_death(exc):
                raise
            await self._ended(CONSUMERS)
        finally:
            self._note(operation)

    async def _ended(self, place: int) -> None:
        """A process died: another takes its place, and what was under way there went with it."""
        if self._held is not None and self._held.place == place:
            held, self._held = self._held, None
            held.operation.die()
            await held.task
        if place == CONSUMERS:
            await self.world.consumers.restart()
        else:
            self.world.apis[place].restart()

    def _note(self, operation: Operation) -> None:
        if operation.struck in ("died", "away"):
            self.happened["abort"] += 1

    async def finish_writes(self) -> None:
        """What was left half done is finished, where that can be: then nothing is undecided."""
        if self._undecided and self.world.leaves_writes_half_done:
            await self.release()
            self._undecided = False
            await self.world.finish_writes()

    def lost_something(self) -> None:
        """Keys are gone from Redis. Whoever is held may fill again what was there before a deletion, for a
        few seconds."""
        self.unclean |= self.is_held

    # -- the log ------------------------------------------------------------------------------------

    async def settled(self) -> bool:
        """Whether everything that was told has been heard, and nobody stands in the middle of something."""
        await self.world.refresh()
        return not self.is_held and all(group.is_done for group in self.world.log.groups.values())

    async def hear(self) -> None:
        """Everything that was told, but by the consumer that is held."""
        for _ in range(_ROUNDS):
            await self.world.refresh()
            groups = self.world.log.groups
            held = None if self._held is None else self._held.consumer
            pending = {name: group.everything() for name, group in groups.items() if name != held}
            if not any(pending.values()):
                return
            for name, entries in pending.items():
                if entries:
                    await self.consume(name, entries[:_BATCH], Operation())
        raise AssertionError("consumers do not come to an end with what is in the log")

    async def drain(self) -> None:
        """Until everything is heard and committed, and what consumers do later is done."""
        await self.release()
        await self.finish_writes()
        await self.hear()
        for _ in range(PAUSES):
            self.world.clock.advance(PAUSE_MS)
            await self.world.consumers.make_late_effects()
        for name in self.world.log.groups:
            # What was done late is committed with the next turn.
            await self.consume(name, [], Operation())
        assert await self.settled(), "what was heard is not committed"
        assert not self.world.log.dead_letters, "an event was set aside"
        self.unclean = False


def _is_death(exc: BaseException) -> bool:
    """Of several tasks that ended together at least one died; the others were cancelled, or died as well."""
    if isinstance(exc, BaseExceptionGroup):
        return any(_is_death(one) for one in exc.exceptions)
    return isinstance(exc, Died)
