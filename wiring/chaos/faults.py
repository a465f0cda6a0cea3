"""Faults given to a running stack, each of which ends by itself, whatever becomes of who gave it.

    redis     Redis takes connections and answers nothing: `CLIENT PAUSE`, in short slices
    features  the marks of complete feature rows are taken away, again and again
    model     the serving processes' scoring fails           both by the claim alone, which expires:
    slow      their scoring takes longer than its deadline   `ranking.fault_slot`

A pause that is not renewed is over in a moment, marks that nobody takes away are set again by the features
stream, and a claim has its own end: there is nothing to be cleaned up after a command that was killed.
A claim ends by the wall's clock, which goes on while a machine sleeps; so nothing is renewed after that.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial

from core.clock import Clock
from core.errors import ConfigurationError, Unavailable
from features.packed_store import PackedStore
from ranking.faults import Fault, FaultName, FaultStore
from stores.redis_client import RedisClient
from stores.redis_commands import pack
from stores.redis_connection import RedisConnection
from stores.redis_options import RedisOptions, RedisPlace
from wiring.environment import variable_of
from wiring.home import StackState

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
_RETRY_EVERY_S = 0.1
_END_WITHIN_S = 1.0
"""A Redis that was paused is back within two slices, and our own circuit soon after."""


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
        self._left: Fault | None = None

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
                f"a fault of `{other.name}` stands for {left_s:.0f} s yet, and there is one at a time: wait "
                "for its end, or end it with Ctrl-C where it was given"
            )

    async def give(self, name: FaultName, for_s: float) -> None:
        """Returns once the fault is over; cancelled, it is over at once.

        Raises ConfigurationError where this stack cannot have it, or another fault stands; Unavailable.
        """
        await self.require(name)
        now_ms = self._clock.now_ms()
        fault = Fault(name, now_ms + round(1000 * for_s), secrets.token_hex(8))
        if not await self._faults.claim(fault, now_ms):
            raise ConfigurationError(
                "another fault was given in the same moment, and there is one at a time: try again when it "
                "is over"
            )
        try:
            # Cancelled by the time that is up as by whoever gives it up.
            with suppress(TimeoutError):
                async with asyncio.timeout(for_s):
                    await self._hold(fault)
        finally:
            await self._end(fault)

    def given_up(self) -> str:
        """After `give` was cancelled, what became of the fault."""
        if self._left is None:
            return "the fault is over"
        left_s = max(0.0, (self._left.until_ms - self._clock.now_ms()) / 1000)
        return (
            f"Redis could not be told: the fault of `{self._left.name}` ends by itself, in {left_s:.0f} s at "
            "the latest"
        )

    async def _end(self, fault: Fault) -> None:
        """Tries for a second: what is left of a pause may be longer than a client waits.

        A claim whose time is up is taken away too: Redis counts from when it came, a moment later.
        """
        give_up_s = self._clock.monotonic_s() + _END_WITHIN_S
        while True:
            try:
                await self._faults.end(fault)
                return
            except Unavailable:
                if self._over(fault):
                    return
                if self._clock.monotonic_s() >= give_up_s:
                    self._left = fault
                    return
                await asyncio.sleep(_RETRY_EVERY_S)

    def _over(self, fault: Fault) -> bool:
        """By the wall's clock, as its claim."""
        return self._clock.now_ms() >= fault.until_ms

    async def _hold(self, fault: Fault) -> None:
        """Until it is over."""
        match fault.name:
            case "redis":
                await hang(self._place, partial(self._over, fault))
            case "features":
                rows = PackedStore(self._redis)
                while not self._over(fault):
                    await rows.forget()
                    await asyncio.sleep(_FORGET_EVERY_S)
            case "model" | "slow":
                # The serving processes look at the claim, each by its own clock.
                await asyncio.Event().wait()


async def hang(place: RedisPlace, over: Callable[[], bool]) -> None:
    """Keeps a Redis of ours, or every node of a Cluster, from answering, until it is over or cancelled.

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
                    pauses.create_task(_paused(connection, over))
        except* OSError as exc:
            raise Unavailable(f"redis cannot be paused: {exc.exceptions[0]}") from exc


async def _paused(connection: RedisConnection, over: Callable[[], bool]) -> None:
    pause = pack(b"CLIENT", b"PAUSE", SLICE_MS)
    # One always waits behind the one that is in force: when that ends it is the first in the line, and
    # nobody else's command comes between the two.
    await connection.exchange(pause + pause, 1)
    while not over():
        await connection.exchange(pause, 1)
