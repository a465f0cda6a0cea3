"""A process of its own that writes and says what was acknowledged, until it is killed.

`python -m tests.contracts.log_writer <engine> <directory> facts|telemetry <count>`; each number is
printed once the write that carries it has returned.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from core.clock import SystemClock
from core.ids import UserId
from eventlog.schema import GRAPH, VIEWS
from stores.ports import OutboxRecord
from tests.contracts.engines import ENGINES, Stack

KEY = 7


async def write_fact(stack: Stack, number: int) -> None:
    """One edge and its event: both are there or neither is."""
    record = OutboxRecord(GRAPH, KEY, str(number).encode())
    await stack.graph.set_follow(UserId(KEY), UserId(number + 1), on=True, ver=number + 1, outbox=[record])


async def write_telemetry(stack: Stack, number: int) -> None:
    await stack.log.append([OutboxRecord(VIEWS, KEY, str(number).encode())])


async def main(engine: str, directory: str, kind: str, count: int) -> None:
    write = write_fact if kind == "facts" else write_telemetry
    async with ENGINES[engine](Path(directory)).open(SystemClock()) as stack:
        for number in range(count):
            await write(stack, number)
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
