"""EventLog between processes: what another wrote is seen, and what was acknowledged outlives it."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from core.ids import UserId
from eventlog.log import next_offsets
from eventlog.schema import GRAPH, VIEWS
from tests.contracts.engines import Engine, Stack, drain
from tests.contracts.log_writer import KEY
from tests.fakes import FakeClock

ROOT = Path(__file__).parents[2]
TOPICS = {"facts": GRAPH, "telemetry": VIEWS}


@asynccontextmanager
async def writer(engine: Engine, kind: str, count: int) -> AsyncIterator[asyncio.StreamReader]:
    """Another process that writes; yields what it says. Killed at the end, if it is still there."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.contracts.log_writer", engine.name, str(engine.directory), kind, str(count)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        if process.returncode is None:
            process.kill()
        assert await process.wait() in (0, -signal.SIGKILL)


async def acknowledged(output: asyncio.StreamReader, count: int) -> list[int]:
    """The first `count` numbers that the writer says are written."""
    return [int(await output.readline()) for _ in range(count)]


@pytest.mark.parametrize("kind", sorted(TOPICS))
async def test_a_subscription_sees_what_another_process_appends(
    stack: Stack, engine: Engine, kind: str
) -> None:
    subscription = await stack.log.subscribe("readers", [TOPICS[kind]])
    seen: list[int] = []
    async with writer(engine, kind, 50):
        while len(seen) < 50:
            entries = await subscription.poll(max_entries=7, timeout_s=60)
            seen += [int(entry.value) for entry in entries]
            await subscription.commit(next_offsets(entries))
    assert seen == list(range(50))
    assert await stack.log.lag("readers", [TOPICS[kind]]) == {TOPICS[kind]: 0}
    await subscription.close()


@pytest.mark.parametrize("kind", sorted(TOPICS))
async def test_what_was_acknowledged_survives_a_sigkill(engine: Engine, clock: FakeClock, kind: str) -> None:
    async with writer(engine, kind, 1_000_000) as output:
        numbers = await acknowledged(output, 200)
    # What stood in the pipe when it was killed had been acknowledged too.
    numbers += [int(line) for line in (await output.read()).splitlines(keepends=True) if line.endswith(b"\n")]
    async with engine.open(clock) as stack:
        subscription = await stack.log.subscribe("readers", [TOPICS[kind]])
        seen = [int(entry.value) for entry in await drain(subscription, engine)]
        await subscription.close()
        # At most the write that was under way when it died is there without having been acknowledged.
        assert seen in (numbers, [*numbers, len(numbers)])
        if kind == "facts":
            followees = await stack.graph.followees(UserId(KEY))
            assert followees.ids.tolist() == [number + 1 for number in seen]
