"""A process of the product with faults around its ports: `python -m tests.faults.entry ROLE …`."""

from __future__ import annotations

import asyncio
import os
import socket

import click

from tests.faults.fault import Trigger
from tests.faults.watched import watched
from wiring.api_process import run_api
from wiring.cli import RoleMain, run_role
from wiring.resources import open_resources
from wiring.settings import Settings, load_settings
from wiring.worker_processes import fanout_work, pipelines_work, run_workers


async def api_main(settings: Settings, listener: socket.socket, stop: asyncio.Event) -> None:
    async with open_resources(settings) as resources:
        await run_api(watched(resources, Trigger.of(os.environ, "api")), listener, stop, pid=os.getpid())


async def fanout_main(settings: Settings, listener: socket.socket, stop: asyncio.Event) -> None:
    async with open_resources(settings) as resources:
        work = fanout_work(watched(resources, Trigger.of(os.environ, "fanout")))
        await run_workers(work, listener, stop)


async def pipelines_main(settings: Settings, listener: socket.socket, stop: asyncio.Event) -> None:
    async with open_resources(settings) as resources:
        work = pipelines_work(watched(resources, Trigger.of(os.environ, "pipelines")))
        await run_workers(work, listener, stop)


ROLES: dict[str, RoleMain] = {"api": api_main, "fanout": fanout_main, "pipelines": pipelines_main}


@click.command()
@click.argument("role", type=click.Choice(sorted(ROLES)))
@click.option("--fd", type=int, required=True)
@click.option("--lifeline", type=int, required=True)
def main(role: str, fd: int, lifeline: int) -> None:
    run_role(load_settings(os.environ), role, ROLES[role], fd, lifeline)


if __name__ == "__main__":
    main()
