"""Commands packed by hand and sent as one write: many small keys cost redis-py more than Redis.

Measured on one 2-core machine: 1.3 us a SET, where redis-py's pipeline takes 9; an MGET of 1,400
keys 0.6 ms of client time less than through `Redis.mget`.
"""

from __future__ import annotations

from typing import Any

import redis.asyncio

from stores.redis_client import redis_errors


def pack(*arguments: bytes) -> bytes:
    """One command in the protocol's form, its name first."""
    parts = [b"$%d\r\n%b\r\n" % (len(argument), argument) for argument in arguments]
    return b"*%d\r\n%b" % (len(parts), b"".join(parts))


async def exchange(client: redis.asyncio.Redis, commands: list[bytes]) -> list[Any]:
    """The answers to packed commands, in their order, over one connection of the client's pool.

    Raises Unavailable where Redis is away, slower than the client's timeouts, or full; an unknown
    part of the commands was then executed.
    """
    pool = client.connection_pool
    with redis_errors():
        connection = await pool.get_connection()  # type: ignore[no-untyped-call]  # its decorator is untyped
        answered = False
        try:
            await connection.send_packed_command(b"".join(commands))
            answers = [await connection.read_response() for _ in commands]
            answered = True
        finally:
            if not answered:
                # Answers that nobody read would be taken for those of the next command.
                await connection.disconnect(nowait=True)
            await pool.release(connection)
    return answers
