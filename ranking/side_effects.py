"""What happens beside a request, never in its way: the served record."""

from __future__ import annotations

import asyncio
from collections import deque

import structlog
from prometheus_client import Counter

from core.errors import Unavailable
from core.waiting import happens
from eventlog.log import EventLog
from stores.ports import OutboxRecord

QUEUE = 20_000
BATCH = 500
FLUSH_EVERY_S = 0.05

DROPPED = Counter("rankfeed_served_dropped_total", "Served records given up because log or store were away")
_logger = structlog.get_logger("served")


class ServedRecords:
    """Telemetry of what was served: queued in memory, appended in batches.

    A crash may lose the last moment. While the log is away the queue grows to its bound, then the
    oldest records are given up and counted.
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._queue: deque[OutboxRecord] = deque()

    def put(self, record: OutboxRecord) -> None:
        if len(self._queue) >= QUEUE:
            self._queue.popleft()
            DROPPED.inc()
        self._queue.append(record)

    async def run(self, stop: asyncio.Event) -> None:
        """Appends until told to stop, then what is left."""
        while not await happens(stop, FLUSH_EVERY_S):
            await self.flush()
        await self.flush()

    async def flush(self) -> None:
        while self._queue:
            batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
            try:
                await self._log.append(batch)
            except Unavailable as exc:
                _logger.warning("log_unavailable", error=str(exc), waiting=len(self._queue) + len(batch))
                self._queue.extendleft(reversed(batch))
                return
