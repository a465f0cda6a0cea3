"""As much of a Redis client as a push to lists needs."""

from __future__ import annotations

from typing import cast

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError


class FakeRedis:
    """Every viewer has a list; `pushed` holds (viewer, tweet), `pipelines` how many commands each had."""

    def __init__(self) -> None:
        self.pushed: list[tuple[int, int]] = []
        self.pipelines: list[int] = []
        self.away = False

    @property
    def client(self) -> Redis:
        return cast(Redis, self)

    def pipeline(self, transaction: bool = True) -> FakePipeline:
        return FakePipeline(self)


class FakePipeline:
    def __init__(self, redis: FakeRedis) -> None:
        self._redis = redis
        self._commands: list[tuple[int, int]] = []

    async def __aenter__(self) -> FakePipeline:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._commands = []

    def lpushx(self, key: bytes, value: bytes) -> None:
        self._commands.append((int(key.split(b"{")[1].rstrip(b"}")), int(value)))

    async def execute(self) -> list[int]:
        if self._redis.away:
            raise RedisConnectionError("away")
        self._redis.pipelines.append(len(self._commands))
        self._redis.pushed += self._commands
        return [1] * len(self._commands)
