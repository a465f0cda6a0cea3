"""The product's processes, made by its own wiring: ports that can be interrupted, and no sockets."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import cast

from fastapi import FastAPI

from core.errors import Unauthenticated, Unavailable
from core.ids import SnowflakeGenerator, UserId
from feed_api.app import create_app
from feed_api.auth import SCOPES, Principal, TokenVerifier
from feed_api.services import Services
from ranking.model_slot import ModelSlot
from ranking.side_effects import ScoredRecords, ServedRecords
from stores.redis_client import Found
from tests.faults.fault import Trigger
from tests.faults.watched import watched
from tests.faults.watched_redis import WatchedRedis
from tests.histories.interruption import Interruptions
from tests.histories.world_clock import SkewedClock, WorldClock
from wiring.api_process import make_services
from wiring.resources import Resources

_FOR_EVER_S = float("inf")


class InterruptedRedis(WatchedRedis):
    async def find(self, keys: object, *, mark: bytes | None = None) -> Found:
        """It promises never to raise for a server that is away: it then knows nothing."""
        wanted = list(cast("list[bytes]", keys))
        try:
            return await super().find(wanted, mark=mark)
        except Unavailable as exc:
            return Found([None] * len(wanted), [], frozenset(range(len(wanted))), exc)


class KnownCallers(TokenVerifier):
    """The token is the user's id: who may call is not what histories are about."""

    def __init__(self) -> None:
        pass

    def verify(self, authorization: str | None) -> Principal:
        if authorization is None:
            raise Unauthenticated("who?")
        return Principal(UserId(int(authorization.removeprefix("Bearer "))), frozenset(SCOPES), 2**40)


def interrupted(resources: Resources, interruptions: Interruptions) -> Resources:
    """The same resources, with the interruptions around every port, the log and Redis."""
    trigger = cast(Trigger, interruptions)
    around = watched(resources, trigger)
    return replace(around, redis=InterruptedRedis(resources.redis, trigger))


def minting(clock: WorldClock, machine: int, skew_ms: int, interruptions: Interruptions) -> Callable[[], int]:
    """Ids under a process's own number, by a clock that is off by so much."""
    generator = SnowflakeGenerator(0, machine, SkewedClock(clock, skew_ms), lambda: _FOR_EVER_S)
    return lambda: interruptions.minted(generator.mint())


class ApiProcess:
    """An API process; dying, it forgets all that it kept in memory. `resources` are made anew for each."""

    def __init__(
        self, app: FastAPI | None, resources: Callable[[], Resources], executor: ThreadPoolExecutor
    ) -> None:
        self._resources = resources
        self._executor = executor
        services = self._services()
        # Making the routes costs more than a whole history: they go from one to the next.
        self.app = app or create_app(services)
        self.app.state.services = services

    def restart(self) -> None:
        self.app.state.services = self._services()

    def _services(self) -> Services:
        resources = self._resources()
        slot = ModelSlot(resources.stores.control, resources.home.models, resources.clock)
        log = resources.stores.log
        services = make_services(resources, slot, ServedRecords(log), ScoredRecords(log), self._executor)
        return replace(services, verifier=KnownCallers())
