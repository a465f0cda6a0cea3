"""The writer's own publication: right after the commit, beside the answer, in the order of commits."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import structlog
from prometheus_client import Counter, Gauge

from core.errors import Unavailable
from stores.cassandra.outbox import CassandraOutbox, Place
from stores.ports import OutboxRecord

PUBLISHED = Counter("rankfeed_outbox_published_total", "Events that their writer published itself")
LEFT = Counter("rankfeed_outbox_left_total", "Entries that their writer left to the relay", ["cause"])
PENDING = Gauge("rankfeed_outbox_pending", "Entries written by this process and not published yet")

BATCH = 500
MOST_PENDING = 100_000
"""What a writer holds while the log is away (about 0.5 KB each); the relay has the rest."""
_BACKOFF_S = (0.05, 0.1, 0.25, 0.5)


class Publisher(Protocol):
    """The log as the outbox needs it."""

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        """Returns once all are acknowledged; Unavailable where that is not known."""
        ...


class _Pending(NamedTuple):
    place: Place
    records: Sequence[OutboxRecord]


class Publication:
    """Publishes what is offered and removes its rows; what it cannot, the relay will."""

    def __init__(self, publisher: Publisher, outbox: CassandraOutbox) -> None:
        self._publisher = publisher
        self._outbox = outbox
        self._pending: deque[_Pending] = deque()
        self._running: asyncio.Task[None] | None = None
        self._deleting: asyncio.Task[None] | None = None
        self._logger = structlog.get_logger("publication")

    def offer(self, place: Place, records: Sequence[OutboxRecord]) -> None:
        """Takes an entry whose effects are made; without records its row is only removed."""
        if len(self._pending) >= MOST_PENDING:
            LEFT.labels("full").inc()
            return
        self._pending.append(_Pending(place, records))
        PENDING.set(len(self._pending))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())

    async def settle(self) -> None:
        """Waits until everything offered so far is published and removed, or left to the relay."""
        while self._running is not None and not self._running.done():
            await asyncio.shield(self._running)
        if self._deleting is not None:
            await asyncio.shield(self._deleting)

    async def close(self, within_s: float) -> None:
        """Settles for at most `within_s`; what is left then, the relay takes."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self.settle()
        for task in (self._running, self._deleting):
            if task is not None and not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        while self._pending:
            batch = [self._pending[number] for number in range(min(BATCH, len(self._pending)))]
            records = [record for one in batch for record in one.records]
            published = await self._publish(records)
            # Before the removal: whatever becomes of the rows, these are not published here again.
            for _ in batch:
                self._pending.popleft()
            PENDING.set(len(self._pending))
            if published:
                PUBLISHED.inc(len(records))
                await self._remove([one.place for one in batch])

    async def _publish(self, records: Sequence[OutboxRecord]) -> bool:
        """False where the log refuses them for good: the relay finds out which one it is."""
        failures = 0
        while records:
            try:
                await self._publisher.append(records)
            except Unavailable as exc:
                if failures == 0:
                    self._logger.warning("log_unavailable", error=str(exc), events=len(records))
                await asyncio.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
                failures += 1
            except Exception as exc:
                LEFT.labels("refused").inc(len(records))
                self._logger.error("publication_refused", events=len(records), exc_info=exc)
                return False
            else:
                break
        return True

    async def _remove(self, places: Sequence[Place]) -> None:
        """Begins to remove rows while the next batch is published."""
        if self._deleting is not None:
            # How it ended, it has told itself.
            await asyncio.wait([self._deleting])
        self._deleting = asyncio.create_task(self._delete(places))

    async def _delete(self, places: Sequence[Place]) -> None:
        try:
            await self._outbox.delete(places)
        except Unavailable as exc:
            self._logger.warning("outbox_not_removed", error=str(exc), entries=len(places))
        except Exception as exc:
            # Nobody waits for it who could hear of it: what the driver, or we, did wrong is told here.
            self._logger.error("outbox_not_removed", entries=len(places), exc_info=exc)
        else:
            return
        # Published and still there: the relay publishes them once more.
        LEFT.labels("not_removed").inc(len(places))
