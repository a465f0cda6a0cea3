"""Many calls of a product side by side, as of many people at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import TypeVar

T = TypeVar("T")

AT_ONCE = 12
"""Calls side by side: enough to keep two cores busy, too few for a queue."""


async def together(calls: Iterable[Awaitable[T]], at_once: int = AT_ONCE) -> list[T]:
    """Their answers in their order. Not too many at once; a call is made when its turn comes."""
    turns, answers = enumerate(calls), dict[int, T]()

    async def take_turns() -> None:
        for turn, call in turns:
            answers[turn] = await call

    await asyncio.gather(*(take_turns() for _ in range(at_once)))
    return [answers[turn] for turn in range(len(answers))]
