"""A fan-out process that writes down, before it makes an effect, what it was given, and in which generation.

    python -m tests.e2e.consumer --fd N --lifeline N

The generation is Kafka's own: the broker counts how often it divided the group.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, cast

import click
import msgspec

from eventlog.kafka_subscription import KafkaSubscription
from eventlog.log import Entry, OperatedLog
from tests.faults.fault import Trigger
from tests.faults.watched import watched_log
from wiring.environment import load_settings
from wiring.resources import open_resources
from wiring.roles import run_role
from wiring.settings import Settings
from wiring.worker_processes import fanout_work, run_workers

EFFECTS = "CONSUMER_EFFECTS"
"""The directory where each process keeps a file of its own."""


class Given(msgspec.Struct, frozen=True):
    """One batch: the entries as (topic, partition, offset)."""

    generation: int
    entries: list[tuple[str, int, int]]


def file_of(instance: str | None, directory: Path) -> Path:
    return directory / f"{instance}.given"


def given_to(instance: str, directory: Path) -> list[Given]:
    """What an instance wrote so far; a killed one may have left half a line, which it had not begun to do."""
    path = file_of(instance, directory)
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    decoder = msgspec.json.Decoder(Given)
    return [decoder.decode(line) for line in lines]


class WrittenLog:
    """The log; what its subscription gives is in the file before anybody has it."""

    def __init__(self, log: OperatedLog, file: IO[bytes]) -> None:
        self._log = log
        self._file = file

    def __getattr__(self, method: str) -> Any:
        return getattr(self._log, method)

    async def subscribe(self, *arguments: Any, **options: Any) -> WrittenSubscription:
        inner = await self._log.subscribe(*arguments, **options)
        assert isinstance(inner, KafkaSubscription)
        return WrittenSubscription(inner, self._file)


class WrittenSubscription:
    def __init__(self, inner: KafkaSubscription, file: IO[bytes]) -> None:
        self._inner = inner
        self._file = file
        self.commit = inner.commit
        self.close = inner.close

    async def poll(self, **options: Any) -> Sequence[Entry]:
        entries = await self._inner.poll(**options)
        if entries:
            # The group cannot go on to another generation: it waits for the commit of what was given.
            driver = self._inner._consumer._driver
            assert driver is not None
            given = Given(driver._coordinator.generation, [entry[:3] for entry in entries])
            self._file.write(msgspec.json.encode(given) + b"\n")
            self._file.flush()
        return entries


async def consumer_main(settings: Settings, listener: socket.socket, stop: asyncio.Event) -> None:
    trigger = Trigger.of(os.environ, "fanout")
    with file_of(settings.kafka.instance, Path(os.environ[EFFECTS])).open("wb") as file:
        async with open_resources(settings) as resources:
            log = cast(OperatedLog, WrittenLog(resources.stores.log, file))
            log = log if trigger is None else watched_log(log, "log", trigger)
            written = replace(resources, stores=replace(resources.stores, log=log))
            await run_workers(fanout_work(written), listener, stop)


@click.command()
@click.option("--fd", type=int)
@click.option("--lifeline", type=int)
def main(fd: int | None, lifeline: int | None) -> None:
    run_role(load_settings(os.environ), "fanout", consumer_main, fd, lifeline)


if __name__ == "__main__":
    main()
