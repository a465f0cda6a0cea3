"""A Redis server for the length of a benchmark."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis

from core.errors import Unavailable
from stores.redis_client import open_redis, redis_errors
from wiring.home import Home
from wiring.process import listen
from wiring.redis_server import redis_command

_PASSWORD = "bench"
_START_S = 10.0


@asynccontextmanager
async def fresh_redis() -> AsyncIterator[Redis]:
    with tempfile.TemporaryDirectory(prefix="rankfeed-bench-") as directory:
        with listen("127.0.0.1", 0) as probe:
            port: int = probe.getsockname()[1]
        command = redis_command(Home(Path(directory)), port, _PASSWORD)
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)
        redis = open_redis(f"redis://:{_PASSWORD}@127.0.0.1:{port}/0", timeout_ms=5_000)
        try:
            await _await_answer(redis)
            yield redis
        finally:
            await redis.aclose()
            process.terminate()
            await process.wait()


async def _await_answer(redis: Redis) -> None:
    end_s = time.monotonic() + _START_S
    while True:
        try:
            with redis_errors():
                await redis.get("x")
        except Unavailable:
            if time.monotonic() > end_s:
                raise
            await asyncio.sleep(0.02)
        else:
            return
