"""What the demo's acts have in common: the stack, how large the world is, and where they say what they do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from rich.console import Console, RenderableType

from core.clock import SystemClock
from core.errors import RankfeedError
from wiring.draining import await_drained
from wiring.home import Home, StackState
from wiring.interrupted import beside
from wiring.resources import open_stores
from wiring.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")


class DemoFailed(RankfeedError):
    """Something that the demo checks did not hold."""


@dataclass(frozen=True, slots=True)
class DemoSize:
    """People and days of their past; then sessions a viewer, tweets before each, posts that are waited for,
    viewers whose orders are compared, and feeds that are read to their end."""

    users: int
    days: float
    sessions: int
    posts: int
    probes: int
    judged: int
    audited: int


@dataclass(slots=True)
class DemoShow:
    settings: Settings
    home: Home
    state: StackState
    console: Console
    clock: SystemClock
    size: DemoSize
    seed: int
    _given_up: bool = field(default=False, init=False)

    def title(self, text: str) -> None:
        self.console.rule(f"[bold]{text}", align="left")

    def say(self, text: str) -> None:
        if self._given_up:
            raise DemoFailed("it was given up")
        self.console.print(f"  {text}", soft_wrap=True)

    def show(self, what: RenderableType) -> None:
        self.console.print(what)

    async def beside(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `beside`; given up, it ends when it next has something to say."""
        try:
            return await beside(work, *args, **kwargs)
        except asyncio.CancelledError:
            self._given_up = True
            raise

    async def drained(self) -> None:
        """Returns once every consumer has caught up with the log."""
        async with open_stores(self.settings, self.home, self.clock) as stores:
            await await_drained(stores.log, self.clock, self.say)
