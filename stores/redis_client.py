"""Redis as every adapter uses it: one client a process, short timeouts, errors translated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ReadOnlyError
from redis.exceptions import TimeoutError as RedisTimeoutError

from core.errors import Unavailable

_AWAY = (RedisConnectionError, RedisTimeoutError, OutOfMemoryError, ReadOnlyError, OSError)


def open_redis(url: str, *, timeout_ms: int) -> Redis:
    """A client that answers in bytes, or fails, within `timeout_ms`; nothing is retried behind our back."""
    client: Redis = Redis.from_url(
        url,
        socket_timeout=timeout_ms / 1000,
        socket_connect_timeout=timeout_ms / 1000,
        retry=Retry(NoBackoff(), 0),
        max_connections=256,
        decode_responses=False,
    )
    return client


@contextmanager
def redis_errors() -> Iterator[None]:
    """Turns "Redis is away, slow or full" into Unavailable; a wrong command stays an error of ours."""
    try:
        yield
    except _AWAY as exc:
        raise Unavailable(f"redis: {exc}") from exc


async def run_script(redis: Redis, script: str, keys: Sequence[bytes], *arguments: bytes | int) -> Any:
    """Runs a Lua script whose keys share one hash tag; errors come out translated."""
    with redis_errors():
        # execute_command has no annotations in redis-py; eval's own claim to return str, never bytes.
        return await redis.execute_command("EVAL", script, len(keys), *keys, *arguments)  # type: ignore[no-untyped-call]
