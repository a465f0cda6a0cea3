"""A process of the product whose wall clock is off by what a file says: `… stepped_entry ROLE`."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import click

from core.clock import SystemClock
from wiring.environment import load_settings
from wiring.resources import open_resources
from wiring.roles import RoleMain, run_role
from wiring.settings import Settings
from wiring.worker_processes import fanout_work, pipelines_work, run_workers

STEP = "clock_step_ms"


class SteppedClock(SystemClock):
    """Steps at the moment at which the file changes, as a machine's clock does under all of its processes."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def now_ms(self) -> int:
        try:
            return super().now_ms() + int(self._file.read_text() or 0)
        except FileNotFoundError:
            return super().now_ms()


def stepped(settings: Settings) -> SteppedClock:
    return SteppedClock(settings.home / STEP)


async def api_main(settings: Settings, listener: socket.socket, stop: asyncio.Event) -> None:
    from wiring.api_process import run_api

    async with open_resources(settings, clock=stepped(settings)) as resources:
        await run_api(resources, listener, stop, pid=os.getpid())


async def fanout_main(settings: Settings, listener: socket.socket, stop: asyncio.Event) -> None:
    async with open_resources(settings, clock=stepped(settings)) as resources:
        await run_workers(fanout_work(resources), listener, stop)


async def pipelines_main(settings: Settings, listener: socket.socket, stop: asyncio.Event) -> None:
    async with open_resources(settings, clock=stepped(settings)) as resources:
        await run_workers(pipelines_work(resources), listener, stop)


ROLES: dict[str, RoleMain] = {"api": api_main, "fanout": fanout_main, "pipelines": pipelines_main}


@click.command()
@click.argument("role", type=click.Choice(sorted(ROLES)))
@click.option("--fd", type=int, required=True)
@click.option("--lifeline", type=int, required=True)
def main(role: str, fd: int, lifeline: int) -> None:
    run_role(load_settings(os.environ), role, ROLES[role], fd, lifeline)


if __name__ == "__main__":
    main()
