"""The rows of the stream's file, in Redis: whenever they change, and all of them when Redis lost any."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from prometheus_client import Counter

from core.errors import Unavailable
from core.waiting import happens
from features.packed_store import ExpiringRow, PackedStore
from pipelines.features_file import FeaturesFile
from pipelines.rows_table import FIRST, After

ROWS_WRITTEN = Counter("rankfeed_feature_rows_written_total", "Feature rows written to Redis")
PROJECTIONS = Counter(
    "rankfeed_feature_projections_total", "Times that every feature row was written to Redis"
)

_CHUNK = 1_000
_LOOK_EVERY_S = 0.25
_BACKOFF_S = 0.5


class FeaturesProjection:
    """Writes rows to Redis beside the stream, which never waits for it.

    Rows are handed over after their commit. Whenever Redis was away, was emptied, came back from an
    older copy, or this process has just started, the file's rows are all written anew; nothing is
    kept for Redis in memory meanwhile.
    """

    def __init__(self, store: PackedStore, file: FeaturesFile, incarnation: str) -> None:
        self._store = store
        self._file = file
        self._incarnation = incarnation
        self._writes = 0
        self._marker = b""
        self._complete = False
        self._collecting = False
        self._pending: dict[bytes, ExpiringRow] = {}
        self._wake = asyncio.Event()
        self._away = False
        self._logger = structlog.get_logger("features_projection")

    def hand_over(self, rows: Sequence[ExpiringRow]) -> None:
        """Takes committed rows, each newer than any of its key before; returns at once."""
        if self._collecting:
            self._pending.update({row.key: row for row in rows})
            self._wake.set()

    def wake(self) -> None:
        """Ends a wait."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set and `wake` was called; writes what was handed over by then."""
        while not stop.is_set():
            away = not await self._turn()
            if away:
                await happens(stop, _BACKOFF_S)
            else:
                await happens(self._wake, _LOOK_EVERY_S)
                self._wake.clear()
        await self._turn()

    async def _turn(self) -> bool:
        """Brings Redis up to date; False where it is away."""
        try:
            if self._complete and not self._pending:
                self._complete = await self._store.epoch() == self._marker
            if not self._complete:
                self._complete = await self._write_all()
            if self._complete and self._pending:
                self._complete = await self._write_pending()
        except Unavailable as exc:
            if not self._away:
                self._logger.warning("redis_away", error=str(exc))
            self._away = True
            self._complete = self._collecting = False
            self._pending = {}
            return False
        self._away = False
        return True

    async def _write_all(self) -> bool:
        # What is handed over from here on may be newer than what the pages below show, and is written
        # after them; what was handed over before is in the file, and so in the pages.
        self._pending = {}
        self._collecting = True
        self._marker = self._next_marker()
        await self._store.mark(self._marker)
        written = 0
        after: After | None = FIRST
        while after is not None:
            rows, after = await self._file.page(after, _CHUNK)
            if not await self._write(rows):
                return False
            written += len(rows)
        # It may have been emptied since the last of them.
        if not await self._store.complete(self._marker):
            return False
        PROJECTIONS.inc()
        self._logger.info("features_projected", rows=written)
        return True

    async def _write_pending(self) -> bool:
        pending = list(self._pending.values())
        self._pending = {}
        for first in range(0, len(pending), _CHUNK):
            if not await self._write(pending[first : first + _CHUNK]):
                return False
        return True

    async def _write(self, rows: Sequence[ExpiringRow]) -> bool:
        was, self._marker = self._marker, self._next_marker()
        kept = await self._store.write(rows, was=was, epoch=self._marker)
        ROWS_WRITTEN.inc(len(rows))
        return kept

    def _next_marker(self) -> bytes:
        self._writes += 1
        return f"{self._incarnation}:{self._writes}".encode()
