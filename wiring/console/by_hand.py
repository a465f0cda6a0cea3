"""A console that somebody started beside a stack: it is of that one, and ends when another takes its place.

The stack's own console goes and comes with it. This one would go on looking at a Redis that is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from core.errors import ConfigurationError
from core.waiting import happens
from wiring.home import Home, StackState

LOOK_EVERY_S = 1.0


async def serve_beside(
    home: Home,
    stack: StackState | None,
    serve: Callable[[], Awaitable[None]],
    stop: asyncio.Event,
    every_s: float = LOOK_EVERY_S,
) -> None:
    """Serves until `stop`, which it sets where another stack runs in `home` than `stack`.

    Raises ConfigurationError then. Without a stack there is none to follow: the settings say it all.
    """
    if stack is None:
        await serve()
        return
    looking = asyncio.create_task(_another_runs(home, stack, stop, every_s))
    try:
        await serve()
    finally:
        stop.set()
        another = await looking
    if another:
        raise ConfigurationError(
            f"the stack in {home.root} was started anew, and this console is of the one before: start it "
            "again with `rankfeed console`"
        )


async def _another_runs(home: Home, stack: StackState, stop: asyncio.Event, every_s: float) -> bool:
    """While none runs it waits: the next may be at the same place, in a container with the same pid, too."""
    while not await happens(stop, every_s):
        now = home.state()
        if now is not None and (now.pid, now.redis_url) != (stack.pid, stack.redis_url):
            stop.set()
            return True
    return False
