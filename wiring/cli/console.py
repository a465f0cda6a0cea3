"""`rankfeed console`, the pages of a running stack."""

from __future__ import annotations

import asyncio
import os
import socket
from functools import partial

import click

from core.errors import ConfigurationError
from wiring.console.access import require_password
from wiring.console.by_hand import serve_beside
from wiring.home import Home
from wiring.process import listen_as, url_of
from wiring.roles import RoleMain, run_role
from wiring.running_stack import as_running
from wiring.settings import Settings

NICE = 3


@click.command()
@click.option("--fd", type=int, help="An inherited listening socket.")
@click.option("--lifeline", type=int, help="An inherited pipe; the process ends when it closes.")
@click.pass_obj
def console(settings: Settings, fd: int | None, lifeline: int | None) -> None:
    """Serve the console of a running stack: compare, models, health (`up` starts one by itself)."""
    require_password(settings)
    role_main: RoleMain = console_main
    if fd is None:
        home = Home(settings.home)
        stack = home.state()
        settings = as_running(settings)
        if settings.redis.url is None:
            raise ConfigurationError(
                f"no stack is running in {settings.home}: start one with `rankfeed up`, which brings its "
                "console along, or set RANKFEED_HOME"
            )
        listener = listen_as("console", settings.console.host, settings.console.port)
        click.echo(f"console: {url_of(listener)}  (Ctrl-C ends it)")
        fd = listener.detach()

        async def by_hand(settings: Settings, listener: socket.socket, stop: asyncio.Event) -> None:
            await serve_beside(home, stack, partial(console_main, settings, listener, stop), stop)

        role_main = by_hand
    run_role(settings, "console", role_main, fd, lifeline)


async def console_main(settings: Settings, listener: socket.socket, stop: asyncio.Event) -> None:
    # Whatever is looked at here, feeds go first; to start it costs as much as all else together.
    os.nice(NICE)
    from wiring.console.process import run_console

    await run_console(settings, listener, stop)
