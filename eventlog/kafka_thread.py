"""An event loop in a thread of its own, for what must go on while the caller's loop is busy.

Consumers live there: a batch that keeps the caller's loop at work for seconds would otherwise hold
back the heartbeats, and the group would take the consumer's partitions away in the middle of it.
Python code yields to this thread every 5 ms; only a call that holds the interpreter for longer than
the session can still starve it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class KafkaThread:
    """Runs coroutines on its loop; starts with the first one."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
        """The coroutine's result, to be awaited in the caller's loop; cancelling it reaches there."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="kafka", daemon=True)
            self._thread.start()
        return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self._loop))

    async def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return await self.start(coroutine)

    async def close(self) -> None:
        """Cancels what still runs there, and ends the thread."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        self._loop = self._thread = None
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_cancel_the_rest(), loop))
        loop.call_soon_threadsafe(loop.stop)
        await asyncio.to_thread(thread.join)
        loop.close()


async def _cancel_the_rest() -> None:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
