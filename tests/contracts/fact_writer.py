"""A process of its own that writes facts and says what was acknowledged, until it is killed.

`python -m tests.contracts.fact_writer <engine> <address> <count>`; each number is printed once
the write that carries it has returned.
"""

from __future__ import annotations

import asyncio
import sys

from core.clock import SystemClock
from core.ids import UserId
from eventlog.schema import GRAPH
from stores.ports import OutboxRecord
from tests.contracts.engines import engine_at

KEY = 7


async def main(engine: str, address: str, count: int) -> None:
    async with engine_at(engine, address).open(SystemClock()) as stack:
        for number in range(count):
            record = OutboxRecord(GRAPH, KEY, str(number).encode())
            await stack.graph.set_follow(
                UserId(KEY), UserId(number + 1), on=True, ver=number + 1, outbox=[record]
            )
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
