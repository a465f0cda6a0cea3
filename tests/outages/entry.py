"""The API process with switches before its ports: `python -m tests.outages.entry …`."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import click

from tests.outages.switched import SWITCHES, switched
from wiring.api_process import run_api
from wiring.environment import load_settings
from wiring.resources import open_resources
from wiring.roles import run_role
from wiring.settings import Settings


async def api_main(settings: Settings, listener: socket.socket, stop: asyncio.Event) -> None:
    async with open_resources(settings) as resources:
        switches = Path(os.environ[SWITCHES])
        await run_api(switched(resources, switches), listener, stop, pid=os.getpid())


@click.command()
@click.option("--fd", type=int, required=True)
@click.option("--lifeline", type=int, required=True)
def main(fd: int, lifeline: int) -> None:
    run_role(load_settings(os.environ), "api", api_main, fd, lifeline)


if __name__ == "__main__":
    main()
