"""A console beside a stack ends when that one is another, and says so."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from core.errors import ConfigurationError
from wiring.console.by_hand import serve_beside
from wiring.home import Home, StackState

STACK = StackState(1, "http://127.0.0.1:1", "redis://127.0.0.1:2/0", ready=True)


async def test_it_ends_when_the_stack_was_started_anew(tmp_path: Path) -> None:
    home, stop = Home(tmp_path), asyncio.Event()

    async def serve() -> None:
        home.write_state(msgspec.structs.replace(STACK, redis_url="redis://127.0.0.1:3/0"))
        await stop.wait()

    with home.only_stack(), pytest.raises(ConfigurationError, match="start it again with `rankfeed console`"):
        await serve_beside(home, STACK, serve, stop, every_s=0.0)


async def test_it_goes_on_while_none_or_the_same_runs(tmp_path: Path) -> None:
    home, stop, looks = Home(tmp_path), asyncio.Event(), 0

    async def serve() -> None:
        nonlocal looks
        with home.only_stack():
            home.write_state(msgspec.structs.replace(STACK, console_url="http://127.0.0.1:4"))
            for _ in range(20):
                await asyncio.sleep(0.001)
                looks += not stop.is_set()

    await serve_beside(home, STACK, serve, stop, every_s=0.0)
    assert looks == 20


async def test_without_a_stack_there_is_none_to_follow(tmp_path: Path) -> None:
    home, stop = Home(tmp_path), asyncio.Event()

    async def serve() -> None:
        home.write_state(STACK)

    await serve_beside(home, None, serve, stop)
    assert not stop.is_set()
