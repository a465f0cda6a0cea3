"""Waiting for what another process will do: short looks against a deadline, never a guess."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

PATIENCE_S = 40.0
LOOK_EVERY_S = 0.02


def wait_until(what: str, condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    end_s = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > end_s:
            raise AssertionError(f"waited {patience_s:.0f} s in vain: {what}")
        time.sleep(LOOK_EVERY_S)


async def eventually(
    what: str, condition: Callable[[], Awaitable[bool]], patience_s: float = PATIENCE_S
) -> None:
    end_s = time.monotonic() + patience_s
    while not await condition():
        if time.monotonic() > end_s:
            raise AssertionError(f"waited {patience_s:.0f} s in vain: {what}")
        await asyncio.sleep(LOOK_EVERY_S)
