"""What steers a serving process and what it runs: documents polled from the control store, and a report.

Whoever changes a document waits for the reports: each serving process publishes its own under `proc:<id>`
in Redis at every poll, where it is gone soon after the process is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec
import structlog

from core.clock import Clock
from core.errors import Unavailable
from core.waiting import happens
from stores.redis_client import RedisClient
from stores.redis_commands import Command, command

# A change has to be everywhere within a second: every 0.5 s took 0.6 to 1.5 s on two busy cores.
POLL_S = 0.25
PROCESS_TTL_S = 5
PROCESS_PREFIX = b"proc:"
VERSION = 1
PATIENCE_S = 10.0
"""How long processes may take over what was changed."""
NOBODY_AFTER_S = 2.0
"""Who serves reports twice a second: after so long without a report nobody does."""
_LOOK_EVERY_S = 0.02

_logger = structlog.get_logger("processes")


class ProcessReport(msgspec.Struct, frozen=True):
    """What a process runs; of `v` 1, an unknown one is no report. Fields are only added, with defaults.

    `model` is the label of the model that serves, `sha256` its digest, and `refused` why the champion
    does not serve where it does not. `objective` is the label of the one that applies,
    `objective_row` the version of the row that it goes by, and `objective_refused` why what stands there
    does not apply where it does not. Two processes have not both `host` and `pid` in common.

    `registry` is the version of the registered models that it goes by, `serves`, `loaded` and `refusals`
    (mark to reason) what it made of them, by their marks. `fault` is the one that an operator gave it.

    `metrics` is where its own metrics are, on the loopback of its host: the port that it serves on may be
    another process's as well.
    """

    v: int
    role: str
    pid: int
    model: str | None
    sha256: str | None
    refused: str | None
    at_ms: int
    host: str = ""
    objective: str | None = None
    registry: int = 0
    serves: str | None = None
    loaded: list[str] = []
    refusals: dict[str, str] = {}
    objective_row: int = 0
    objective_refused: str | None = None
    fault: str | None = None
    metrics: str = ""


Reports = Callable[[], Awaitable[list[ProcessReport]]]


_decoder = msgspec.msgpack.Decoder(ProcessReport)


class Followed(Protocol):
    """A document that a process goes by, and what it made of it."""

    async def poll(self) -> None:
        """Takes over what changed; what cannot be used leaves in force what was. Raises Unavailable."""
        ...

    def told(self, report: ProcessReport) -> ProcessReport:
        """The report, with what this one runs."""
        ...


class ServingProcess:
    """One process: polls what it follows and says what it runs."""

    def __init__(
        self,
        redis: RedisClient,
        clock: Clock,
        followed: Sequence[Followed],
        *,
        host: str,
        pid: int,
        metrics: str = "",
    ) -> None:
        self._redis = redis
        self._clock = clock
        self._followed = followed
        self._host = host
        self._pid = pid
        self._metrics = metrics

    async def follow(self, stop: asyncio.Event) -> None:
        """Polls until told to stop; then there is no report any more, so that nobody waits for this one."""
        while not stop.is_set():
            await self.poll()
            await happens(stop, POLL_S)
        await self._say(command(b"UNLINK", self._key))

    async def poll(self) -> None:
        await poll_each(self._followed)
        report = ProcessReport(
            VERSION,
            "api",
            self._pid,
            None,
            None,
            None,
            self._clock.now_ms(),
            self._host,
            metrics=self._metrics,
        )
        for one in self._followed:
            report = one.told(report)
        await self._say(command(b"SET", self._key, msgspec.msgpack.encode(report), b"EX", PROCESS_TTL_S))

    @property
    def _key(self) -> bytes:
        return PROCESS_PREFIX + f"{self._host}:{self._pid}".encode()

    async def _say(self, word: Command) -> None:
        try:
            await self._redis.call(word)
        except Unavailable as exc:
            _logger.warning("report_not_published", error=str(exc))


async def poll_each(followed: Sequence[Followed]) -> None:
    """One that cannot be asked does not keep the others from being followed."""
    for one in followed:
        try:
            await one.poll()
        except Unavailable as exc:
            _logger.warning("control_store_unavailable", error=str(exc))


async def follow_unseen(followed: Sequence[Followed], stop: asyncio.Event) -> None:
    """For who serves no feed: goes by what is followed and publishes no report, so that nobody waits."""
    while not await happens(stop, POLL_S):
        await poll_each(followed)


async def awaited(
    reports: Reports, done: Callable[[ProcessReport], bool], clock: Clock
) -> list[ProcessReport]:
    """The reports, once every one of them is `done`, or time is up. Raises Unavailable."""
    began_s = clock.monotonic_s()
    while True:
        found = await reports()
        if found and all(map(done, found)):
            return found
        if clock.monotonic_s() - began_s >= (PATIENCE_S if found else NOBODY_AFTER_S):
            return found
        await asyncio.sleep(_LOOK_EVERY_S)


async def serving_processes(redis: RedisClient) -> list[ProcessReport]:
    """The reports of those that serve feeds, by host and pid; raises Unavailable."""
    found = await redis.find(await redis.scan(PROCESS_PREFIX + b"*"))
    if found.failure is not None:
        raise found.failure
    reports = []
    for raw in found.values:
        if raw is None:
            continue
        try:
            report = _decoder.decode(raw)
        except msgspec.MsgspecError:
            continue
        if report.v == VERSION and report.role == "api":
            reports.append(report)
    return sorted(reports, key=lambda one: (one.host, one.pid))
