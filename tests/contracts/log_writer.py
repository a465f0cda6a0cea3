"""A process of its own that writes and says what was acknowledged, until it is killed.

`python -m tests.contracts.log_writer <engine> <address> <topic> <count>`; each number is printed
once the append that carries it has returned.
"""

from __future__ import annotations

import asyncio
import sys

from stores.ports import OutboxRecord
from tests.contracts.log_engines import log_engine_at

KEY = 7


async def main(name: str, address: str, topic: str, count: int) -> None:
    async with log_engine_at(name, address).open() as log:
        for number in range(count):
            await log.append([OutboxRecord(topic, KEY, str(number).encode())])
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
