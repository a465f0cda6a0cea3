"""OperatedLog between processes: what another wrote is seen, and what was acknowledged outlives it."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from eventlog.log import OperatedLog, next_offsets
from eventlog.reading import read
from eventlog.schema import GRAPH, VIEWS
from tests.contracts.log_engines import LogEngine

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def writer(engine: LogEngine, topic: str, count: int) -> AsyncIterator[asyncio.StreamReader]:
    """Another process that writes; yields what it says. Killed at the end, if it is still there."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.contracts.log_writer", engine.name, engine.address, topic, str(count)),
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


@pytest.mark.parametrize("topic", [GRAPH, VIEWS])
async def test_a_subscription_sees_what_another_process_appends(
    log: OperatedLog, log_engine: LogEngine, topic: str
) -> None:
    subscription = await log.subscribe("readers", [topic])
    seen: list[int] = []
    async with writer(log_engine, topic, 50):
        while len(seen) < 50:
            entries = await subscription.poll(max_entries=7, timeout_s=60)
            seen += [int(entry.value) for entry in entries]
            await subscription.commit(next_offsets(entries))
    assert seen == list(range(50))
    assert await log.lag("readers", [topic]) == {topic: 0}
    await subscription.close()


@pytest.mark.parametrize("topic", [GRAPH, VIEWS])
async def test_what_was_acknowledged_survives_a_sigkill(log_engine: LogEngine, topic: str) -> None:
    async with writer(log_engine, topic, 1_000_000) as output:
        numbers = await acknowledged(output, 200)
    # What stood in the pipe when it was killed had been acknowledged too.
    numbers += [int(line) for line in (await output.read()).splitlines(keepends=True) if line.endswith(b"\n")]
    async with log_engine.open() as log:
        seen = [int(entry.value) async for entry in read(log, [topic])]
    # At most the append that was under way when it died is there without having been acknowledged.
    assert seen in (numbers, [*numbers, len(numbers)])
