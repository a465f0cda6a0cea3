"""Facts and their events: a write that was acknowledged is told of, one that was refused is not."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.errors import Conflict
from core.ids import UserId
from core.types import User
from eventlog.schema import GRAPH, USERS
from stores.ports import OutboxRecord
from tests.contracts.engines import Engine, Stack, published
from tests.contracts.fact_writer import KEY
from tests.fakes import FakeClock

ROOT = Path(__file__).parents[2]


async def test_facts_are_published_with_the_write_that_they_tell_of(stack: Stack) -> None:
    def user(number: int) -> User:
        return User(UserId(number), "ada", "Ada", 0)

    await stack.users.create(user(1), [OutboxRecord(USERS, 1, b"1"), OutboxRecord(GRAPH, 1, b"2")])
    with pytest.raises(Conflict):
        await stack.users.create(user(2), [OutboxRecord(USERS, 2, b"3")])
    assert await published(stack, [USERS, GRAPH]) == [b"1", b"2"]


async def test_acknowledged_facts_and_their_events_survive_a_sigkill(engine: Engine) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.contracts.fact_writer", engine.name, engine.address, "1000000"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    numbers = [int(await process.stdout.readline()) for _ in range(200)]
    process.kill()
    assert await process.wait() == -signal.SIGKILL
    # What stood in the pipe when it was killed had been acknowledged too.
    rest = (await process.stdout.read()).splitlines(keepends=True)
    numbers += [int(line) for line in rest if line.endswith(b"\n")]
    clock = FakeClock(SystemClock().now_ms())
    async with engine.open(clock) as stack:
        # What the dead process had not published yet is nobody else's until it is two seconds old.
        clock.advance(5_000)
        await stack.recover()
        seen = sorted({int(value) for value in await published(stack, [GRAPH])})
        # At most the write that was under way when it died is there without having been acknowledged.
        assert seen in (numbers, [*numbers, len(numbers)])
        followees = await stack.graph.followees(UserId(KEY))
        assert followees.ids.tolist() == [number + 1 for number in seen]
