"""What happens beside a request, never in its way: records of what was served, and of what was scored."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import ClassVar

import structlog
from prometheus_client import Counter

from core.errors import RankfeedError, Unavailable
from core.waiting import happens
from eventlog.log import EventLog
from stores.ports import OutboxRecord

QUEUE = 20_000
BATCH = 500
# A record of 200 candidates has 80 KB: 40 MB in the queue, 1.6 MB a batch.
SCORED_QUEUE = 500
SCORED_BATCH = 20
FLUSH_EVERY_S = 0.05
# What is refused stays so until somebody acts, and each try may cost a producer of the log's.
REFUSED_EVERY_S = 1.0

DROPPED = Counter("rankfeed_served_dropped_total", "Served records given up because log or store were away")
SCORED_DROPPED = Counter(
    "rankfeed_scored_dropped_total", "Scored records given up because log or store were away"
)
_logger = structlog.get_logger("served")


class Records:
    """Telemetry: queued in memory, appended in batches.

    A crash may lose the last moment. While the log is away the queue grows to its bound, then the
    oldest records are given up and counted.
    """

    at_most: ClassVar[int]
    batch: ClassVar[int]
    dropped: ClassVar[Counter]

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._queue: deque[OutboxRecord] = deque()

    def put(self, record: OutboxRecord) -> None:
        if len(self._queue) >= self.at_most:
            self._queue.popleft()
            self.dropped.inc()
        self._queue.append(record)

    async def run(self, stop: asyncio.Event) -> None:
        """Appends until told to stop, then what is left."""
        pause_s = FLUSH_EVERY_S
        while not await happens(stop, pause_s):
            pause_s = FLUSH_EVERY_S if await self.flush() else REFUSED_EVERY_S
        await self.flush()

    async def flush(self) -> bool:
        """Appends what is queued; what cannot be now stays. False where the log refuses it."""
        while self._queue:
            batch = [self._queue.popleft() for _ in range(min(self.batch, len(self._queue)))]
            try:
                await self._log.append(batch)
            except Unavailable as exc:
                _logger.warning("log_unavailable", error=str(exc), waiting=len(self._queue) + len(batch))
                self._queue.extendleft(reversed(batch))
                return True
            except RankfeedError as exc:
                # Until somebody acts it is as with a log that is away, and feeds go on.
                _logger.error("log_refuses", error=str(exc), waiting=len(self._queue) + len(batch))
                self._queue.extendleft(reversed(batch))
                return False
        return True


class ServedRecords(Records):
    """What was served: of every request."""

    at_most = QUEUE
    batch = BATCH
    dropped = DROPPED


class ScoredRecords(Records):
    """All that was scored, of some requests: large, and in a queue where nothing else waits."""

    at_most = SCORED_QUEUE
    batch = SCORED_BATCH
    dropped = SCORED_DROPPED
