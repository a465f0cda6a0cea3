"""One thing at a time a user, in this process: for what is counted before it is written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from core.ids import UserId


class Turns:
    """Several processes do not wait for each other; each may then let one more through."""

    def __init__(self) -> None:
        # A lock lives for as long as somebody holds it or waits for it.
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, user: UserId) -> AsyncIterator[None]:
        lock = self._locks.get(user)
        if lock is None:
            lock = self._locks[user] = asyncio.Lock()
        async with lock:
            yield
