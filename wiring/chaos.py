"""Faults given to a running stack, each of which ends by itself, whatever becomes of who gave it.

    redis     Redis takes connections and answers nothing: `CLIENT PAUSE`, in short slices
    features  the marks of complete feature rows are taken away, again and again
    model     the serving processes' scoring fails           both by the claim alone, which expires:
    slow      their scoring takes longer than its deadline   `ranking.fault_slot`

A pause that is not renewed is over in a moment, marks that nobody takes away are set again by the features
stream, and a claim has its own end: there is nothing to be cleaned up after a command that was killed.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import ExitStack, suppress

from core.clock import Clock
from core.errors import ConfigurationError, Unavailable
from features.packed_store import PackedStore
from ranking.faults import Fault, FaultName, FaultStore
from stores.redis_client import RedisClient
from stores.redis_commands import pack
from stores.redis_connection import RedisConnection
from stores.redis_options import RedisOptions, RedisPlace
from wiring.home import StackState
from wiring.settings import variable_of

SAID: dict[FaultName, str] = {
    "redis": "Redis does not answer",
    "features": "Redis has lost feature rows",
    "model": "the model fails",
    "slow": "scoring is too slow",
}
"""What each fault is, in a few words."""
ALLOWED = variable_of(("chaos", "allowed"))
SLICE_MS = 100
"""A pause ends so soon after the connection that renews it; Redis looks ten times a second."""
_FORGET_EVERY_S = 0.02
"""The features stream looks every 0.25 s and begins anew: a small stack's rows are back in some ms."""


class Chaos:
    """Faults of one stack, one at a time."""

    def __init__(self, state: StackState, redis: RedisClient, options: RedisOptions, clock: Clock) -> None:
        """`options` are those that `redis` was opened with. Raises ConfigurationError where the stack may
        not be disturbed."""
        if state.settings.get(ALLOWED) != "true":
            raise ConfigurationError(
                f"this stack may not be disturbed: it listens beyond the loopback, or {ALLOWED} says so. "
                f"Start it with {ALLOWED}=true where that is what you want"
            )
        self._own_redis = state.own_redis
        self._redis = redis
        self._place = options.place
        self._faults = FaultStore(redis)
        self._clock = clock

    async def require(self, name: FaultName) -> None:
        """Raises ConfigurationError where this stack cannot have that fault now, Unavailable."""
        if name == "redis" and not self._own_redis:
            raise ConfigurationError(
                f"{variable_of(('redis', 'url'))} names a Redis that is not this stack's own: whoever else "
                "uses it would stand still. `rankfeed chaos features` touches nothing but feature rows"
            )
        if (other := await self._faults.standing()) is not None:
            left_s = max(0.0, (other.until_ms - self._clock.now_ms()) / 1000)
            raise ConfigurationError(
                f"a fault of `{other.name}` stands for {left_s:.0f} s yet, and there is one at a time"
            )

    async def give(self, name: FaultName, for_s: float) -> None:
        """Returns once the fault is over; cancelled, it is over at once.

        Raises ConfigurationError where this stack cannot have it, or another fault stands; Unavailable.
        """
        await self.require(name)
        now_ms = self._clock.now_ms()
        fault = Fault(name, now_ms + round(1000 * for_s), secrets.token_hex(8))
        if not await self._faults.claim(fault, now_ms):
            raise ConfigurationError("another fault was given in the same moment, and there is one at a time")
        try:
            # Cancelled by the time that is up as by whoever gives it up.
            with suppress(TimeoutError):
                async with asyncio.timeout(for_s):
                    await self._hold(name)
        finally:
            # What is left of a pause may be longer than we wait; the claim ends by itself too.
            with suppress(Unavailable):
                await self._faults.end(fault)

    async def _hold(self, name: FaultName) -> None:
        match name:
            case "redis":
                await hang(self._place)
            case "features":
                rows = PackedStore(self._redis)
                while True:
                    await rows.forget()
                    await asyncio.sleep(_FORGET_EVERY_S)
            case "model" | "slow":
                await asyncio.Event().wait()


async def hang(place: RedisPlace) -> None:
    """Keeps a Redis of ours, or every node of a Cluster, from answering, until it is cancelled.

    Raises Unavailable where one of them cannot be reached.
    """
    with ExitStack() as cleanup:
        connections = []
        try:
            for address in place.seeds:
                connection = await RedisConnection.open(address, place.login, None)
                cleanup.callback(connection.abort)
                connections.append(connection)
            async with asyncio.TaskGroup() as pauses:
                for connection in connections:
                    pauses.create_task(_paused(connection))
        except* OSError as exc:
            raise Unavailable(f"redis cannot be paused: {exc.exceptions[0]}") from exc


async def _paused(connection: RedisConnection) -> None:
    pause = pack(b"CLIENT", b"PAUSE", SLICE_MS)
    # One always waits behind the one that is in force: when that ends it is the first in the line, and
    # nobody else's command comes between the two.
    await connection.exchange(pause + pause, 1)
    while True:
        await connection.exchange(pause, 1)
