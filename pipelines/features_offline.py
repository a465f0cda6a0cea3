"""The features stream's way into the offline source, exactly once.

Rows are queued by the commit that makes them (`pipelines.offline_queue`), and this takes them from
there into the lake. The lake's manifest names the next chunk beside the files that hold all before
it: whatever ends this process where, the next one goes on from the manifest.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import structlog
from prometheus_client import Counter

from core.clock import Clock
from core.errors import Unavailable
from core.waiting import happens
from features.offline_rows import DIRECTORY, OFFLINE, Chunk, frame_of
from pipelines.offline_queue import OfflineQueue
from stores.lake_disk import LakeDisk
from stores.lake_store import Addition, LakeStore

APPENDED = Counter(
    "rankfeed_feature_rows_appended_total", "Feature rows appended to the offline source", ["view"]
)

SOURCE = "chunks"
"""What the manifest counts as a topic of one partition."""


@dataclass(frozen=True, slots=True)
class OfflineOptions:
    """A commit takes about `flush_rows`, and is made at least `flush_s` after the one before."""

    flush_rows: int = 200_000
    flush_s: float = 5.0
    retry_s: float = 1.0


class FeaturesOffline:
    """Appends queued rows beside the stream, which never waits for it."""

    def __init__(
        self,
        queue: OfflineQueue,
        lake: Path,
        clock: Clock,
        disk: LakeDisk,
        options: OfflineOptions | None = None,
    ) -> None:
        self._queue = queue
        self._root = lake / DIRECTORY
        self._clock = clock
        self._disk = disk
        self._options = options or OfflineOptions()
        self._store: LakeStore | None = None
        self._wake = asyncio.Event()
        self._logger = structlog.get_logger("features_offline")

    async def open(self, stop: asyncio.Event) -> bool:
        """Finds out where the source stands, before anything is queued; False where `stop` was set first.

        A disk that is away is waited for. Raises Corrupt or UnknownVersion where the source cannot be
        gone on with; the message says what to do.
        """
        while not stop.is_set():
            try:
                store = await self._opened()
                await self._queue.start(_next(store))
                # What the process before left there.
                self._wake.set()
                return True
            except Unavailable as exc:
                self._close()
                self._logger.warning("offline_waits", error=str(exc))
                await happens(stop, self._options.retry_s)
        return False

    def wake(self) -> None:
        """Says that rows were queued; ends a wait."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set and `wake` was called; appends what was queued by then, if the disk lets it."""
        try:
            while not stop.is_set():
                await self._wake.wait()
                self._wake.clear()
                while not await self._append_all() and not stop.is_set():
                    await happens(stop, self._options.retry_s)
                await happens(stop, self._options.flush_s)
            await self._append_all()
        finally:
            self._close()

    async def _append_all(self) -> bool:
        """Everything that is queued; False where the disk is away."""
        try:
            store = await self._opened()
            while chunks := await self._queue.waiting(_next(store), max_rows=self._options.flush_rows):
                addition = await asyncio.to_thread(_addition, chunks)
                await asyncio.to_thread(store.commit, addition, self._clock.now_ms())
                for chunk in chunks:
                    APPENDED.labels(chunk.view).inc(chunk.rows)
                await self._queue.forget(_next(store))
        except Unavailable as exc:
            # Whether a commit came about is not known: the manifest says so once it is read again.
            self._close()
            self._logger.warning("offline_waits", error=str(exc))
            return False
        return True

    async def _opened(self) -> LakeStore:
        if self._store is None:
            self._store = await asyncio.to_thread(LakeStore.open, self._root, self._disk, OFFLINE)
        return self._store

    def _close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None


def _next(store: LakeStore) -> int:
    """The number of the first chunk that the source does not have."""
    return store.manifest.offsets.get(SOURCE, {}).get(0, 1)


def _addition(chunks: list[Chunk]) -> Addition:
    frames: dict[str, list[pl.DataFrame]] = {}
    complete_until_ms: dict[str, int] = {}
    for chunk in chunks:
        frames.setdefault(chunk.view, []).append(frame_of(chunk))
        complete_until_ms[chunk.view] = chunk.created_us // 1_000
    # A chunk of an older schema has no columns for younger fields.
    tables = {
        view: pl.concat([OFFLINE[view].to_frame(), *parts], how="diagonal") for view, parts in frames.items()
    }
    return Addition(tables, {SOURCE: {0: chunks[-1].number + 1}}, complete_until_ms)
