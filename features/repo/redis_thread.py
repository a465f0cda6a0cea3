"""The product's Redis client for callers without an event loop, or within one of their own: notebooks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from stores.redis_assembly import open_redis
from stores.redis_client import RedisClient
from stores.redis_options import RedisOptions

T = TypeVar("T")


class RedisThread:
    """A client on an event loop of its own; any thread may call."""

    def __init__(self, options: RedisOptions) -> None:
        """Raises ConfigurationError where the options cannot be used."""
        self._client = open_redis(options)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="feast-redis", daemon=True)
        self._thread.start()

    def call(self, operation: Callable[[RedisClient], Coroutine[Any, Any, T]]) -> T:
        """The operation's result, or what it raises."""
        return asyncio.run_coroutine_threadsafe(operation(self._client), self._loop).result()

    def close(self) -> None:
        """Closes the connections and ends the thread."""
        self.call(lambda client: client.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
