"""Waiting for an event, no longer than a while; and what is awaited, answered."""

from __future__ import annotations

import asyncio
from typing import TypeVar

T = TypeVar("T")


async def happens(event: asyncio.Event, within_s: float | None) -> bool:
    """Whether the event was set within `within_s` seconds; None waits for as long as it takes.

    Not by `asyncio.wait_for`: before Python 3.12 a cancellation that meets its timeout, or the event, is
    lost, and a worker that was told to end with its neighbour runs on.
    """
    try:
        async with asyncio.timeout(None if within_s is None else max(0.0, within_s)):
            await event.wait()
    except TimeoutError:
        return False
    return True


def settle(answer: asyncio.Future[T], value: T, error: BaseException | None) -> None:
    """The error, where there is one, else the value, to whoever still waits."""
    if answer.done():
        return
    if error is None:
        answer.set_result(value)
    elif isinstance(error, StopIteration):
        # No future takes one, as who awaits it would end quietly.
        answer.set_exception(RuntimeError("an operation raised StopIteration"))
    else:
        answer.set_exception(error)
