"""Redis as every adapter uses it: one client a process, short timeouts, errors translated."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import (
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import TimeoutError as RedisTimeoutError

from core.clock import SystemClock
from core.errors import Unavailable
from stores.circuit import Circuit
from stores.redis_pool import GuardedPool

CONNECTIONS = 64
"""Of one process; a request that finds none free waits, within the timeout."""

_AWAY = (RedisConnectionError, RedisTimeoutError, OSError)
# Answers that mean "not now": full, read-only, without its replicas, failing over, busy, not letting us
# in. From inside a script they come wrapped in another sentence, so they are looked for anywhere.
_NOT_NOW = (
    "OOM",
    "READONLY",
    "NOREPLICAS",
    "MISCONF",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "TRYAGAIN",
    "LOADING",
    "BUSY",
    "NOAUTH",
    "NOPERM",
    "WRONGPASS",
)


def open_redis(url: str, *, timeout_ms: int) -> Redis:
    """A client that answers in bytes, or fails, within `timeout_ms`; nothing is retried behind our back.

    After a few timeouts in a row it fails at once for a while.
    """
    pool: GuardedPool = GuardedPool.from_url(
        url,
        circuit=Circuit("redis", SystemClock(), random.SystemRandom()),
        socket_timeout=timeout_ms / 1000,
        socket_connect_timeout=timeout_ms / 1000,
        retry=Retry(NoBackoff(), 0),
        max_connections=CONNECTIONS,
        timeout=timeout_ms / 1000,
        decode_responses=False,
    )
    return Redis.from_pool(pool)


@contextmanager
def redis_errors() -> Iterator[None]:
    """Turns "Redis is away, slow, full or not ready" into Unavailable; a wrong command stays our error."""
    try:
        yield
    except _AWAY as exc:
        raise Unavailable(f"redis: {exc}") from exc
    except ResponseError as exc:
        if is_not_now(exc):
            raise Unavailable(f"redis: {exc}") from exc
        raise


def is_not_now(error: ResponseError) -> bool:
    """Whether an answer speaks of Redis' state, and not of the command."""
    # redis-py takes the first word off the errors that it has classes for.
    if isinstance(error, NoPermissionError | OutOfMemoryError | ReadOnlyError | TryAgainError):
        return True
    return any(word in str(error) for word in _NOT_NOW)


async def run_script(redis: Redis, script: str, keys: Sequence[bytes], *arguments: bytes | int) -> Any:
    """Runs a Lua script whose keys share one hash tag; errors come out translated."""
    with redis_errors():
        # execute_command has no annotations in redis-py; eval's own claim to return str, never bytes.
        return await redis.execute_command("EVAL", script, len(keys), *keys, *arguments)  # type: ignore[no-untyped-call]
