"""The processes of a stack, from their start to their end; each imports what its own role needs."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import socket
from collections.abc import Awaitable, Callable

from wiring.process import configure_logging, listen_as, stopping
from wiring.settings import Settings

RoleMain = Callable[[Settings, socket.socket, asyncio.Event], Awaitable[None]]


def run_role(
    settings: Settings, name: str, role_main: RoleMain, fd: int | None, lifeline: int | None
) -> None:
    """Runs a role to its end: logging, the listening socket, signals and the event loop."""
    import uvloop

    # A process that a library's C code ends says where, in its log.
    faulthandler.enable()
    configure_logging(settings, name)
    if fd is not None:
        listener = socket.socket(fileno=fd)
    elif name == "api":
        listener = listen_as(name, settings.api.host, settings.api.port)
    else:
        listener = listen_as(name, "127.0.0.1", getattr(settings, name).port)

    async def run() -> None:
        async with stopping(lifeline) as stop:
            await role_main(settings, listener, stop)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


async def api_main(settings: Settings, listener: socket.socket, stop: asyncio.Event) -> None:
    from wiring.api_process import run_api
    from wiring.resources import open_resources

    async with open_resources(settings) as resources:
        await run_api(resources, listener, stop, pid=os.getpid())


async def fanout_main(settings: Settings, listener: socket.socket, stop: asyncio.Event) -> None:
    from wiring.resources import open_resources
    from wiring.worker_processes import fanout_work, run_workers

    async with open_resources(settings) as resources:
        await run_workers(fanout_work(resources), listener, stop)


async def pipelines_main(settings: Settings, listener: socket.socket, stop: asyncio.Event) -> None:
    from wiring.resources import open_resources
    from wiring.worker_processes import pipelines_work, run_workers

    # Somebody waits for a write and for a feed. Of this thread now, so of all that it will start.
    os.nice(settings.pipelines.nice)
    async with open_resources(settings) as resources:
        await run_workers(pipelines_work(resources), listener, stop)


ROLES: dict[str, RoleMain] = {"api": api_main, "fanout": fanout_main, "pipelines": pipelines_main}
