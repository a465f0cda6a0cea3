"""A fault that an operator gives to a stack for a while: who may, is claimed in Redis, `chaos:v1`.

One at a time: the key is the claim, and goes by itself when the fault's time is up, whatever became of the
command that made it. Faults of features and Redis are made by that command; those of scoring are the
serving processes' own, who look there (`ranking.fault_slot`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from core.packing import VersionedCodec
from stores.redis_client import RedisClient
from stores.redis_commands import command, script

FaultName = Literal["redis", "features", "model", "slow"]

VERSION = 1
KEY = b"chaos:v1"
LONGEST_S = 300.0
"""No fault stands for longer, whatever its claim says."""

_END = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class Fault(msgspec.Struct, frozen=True, array_like=True):
    """`until_ms` is when it ends (UTC), `mark` whose it is: no two claims have the same."""

    name: FaultName
    until_ms: int
    mark: str


FAULT = VersionedCodec(VERSION, Fault)


class FaultStore:
    """The claim. Everything raises Unavailable where Redis is away."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    async def claim(self, fault: Fault, now_ms: int) -> bool:
        """Whether it stands now; False, and nothing changed, where another one does."""
        life_ms = max(1, fault.until_ms - now_ms)
        words = (FAULT.encode(fault), b"NX", b"PX", life_ms)
        return await self._redis.call(command(b"SET", KEY, *words)) is not None

    async def standing(self) -> Fault | None:
        """None where there is none that this code reads."""
        return FAULT.decode(await self._redis.call(command(b"GET", KEY)))

    async def end(self, fault: Fault) -> None:
        """Takes the claim away, if it is still this one."""
        await self._redis.call(script(_END, [KEY], FAULT.encode(fault)))
