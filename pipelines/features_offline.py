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
from core.errors import Corrupt, Unavailable
from core.waiting import happens
from features.offline_rows import DIRECTORY, OFFLINE, Chunk, frame_of
from pipelines.damage import RETRY_S, Damage
from pipelines.features_recovery import as_offsets, newest_rows, next_chunk, recovered
from pipelines.offline_queue import OfflineQueue, Progress
from stores.lake import LakeManifest, LakeReader
from stores.lake_compaction import LakeCompaction
from stores.lake_disk import LakeDisk
from stores.lake_merging import STEADILY, CompactionPolicy
from stores.lake_store import Addition, LakeStore

APPENDED = Counter(
    "rankfeed_feature_rows_appended_total", "Feature rows appended to the offline source", ["view"]
)

RECOVERED = Counter(
    "rankfeed_feature_recoveries_total", "Times that the features file was made anew from the offline source"
)


@dataclass(frozen=True, slots=True)
class OfflineOptions:
    """A commit takes about `flush_rows`, and is made at least `flush_s` after the one before.

    After each, closed hours are looked for, and compacted.
    """

    flush_rows: int = 200_000
    flush_s: float = 5.0
    retry_s: float = 1.0
    damaged_retry_s: float = RETRY_S
    compaction: CompactionPolicy = STEADILY


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
        self._compaction: LakeCompaction | None = None
        self._wake = asyncio.Event()
        self._damage = Damage("features_offline", self._options.damaged_retry_s)
        self._logger = structlog.get_logger("features_offline")

    async def open(self, stop: asyncio.Event) -> bool:
        """Finds out where the source stands, before anything is queued; False where `stop` was set first.

        A disk that is away is waited for, and so is whoever mends a source that cannot be gone on with.
        """
        while not stop.is_set():
            try:
                store = await self._opened()
                await self._recover(store.manifest)
                await self._queue.start(next_chunk(store.manifest))
                # What the process before left there.
                self._wake.set()
                return True
            except Unavailable as exc:
                self._close()
                self._logger.warning("offline_waits", error=str(exc))
                await happens(stop, self._options.retry_s)
            except Corrupt as exc:
                self._close()
                await self._damage.wait_out(exc, stop)
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
                while not await self._append_all(stop) and not stop.is_set():
                    await happens(stop, self._options.retry_s)
                await happens(stop, self._options.flush_s)
            await self._append_all(stop)
        finally:
            self._close()

    async def _append_all(self, stop: asyncio.Event) -> bool:
        """Everything that is queued; False where the disk is away, or the source is damaged."""
        try:
            store = await self._opened()
            while chunks := await self._queue.waiting(
                next_ := next_chunk(store.manifest), max_rows=self._options.flush_rows
            ):
                progress = await self._queue.progress(next_, chunks[-1].number + 1)
                addition = await asyncio.to_thread(_addition, chunks, progress)
                await asyncio.to_thread(store.commit, addition, self._clock.now_ms())
                for chunk in chunks:
                    APPENDED.labels(chunk.view).inc(chunk.rows)
                await self._queue.forget(next_chunk(store.manifest))
            await self._compact(store)
        except Unavailable as exc:
            # Whether a commit came about is not known: the manifest says so once it is read again.
            self._close()
            self._logger.warning("offline_waits", error=str(exc))
            return False
        except Corrupt as exc:
            self._close()
            await self._damage.wait_out(exc, stop)
            return False
        return True

    async def _compact(self, store: LakeStore) -> None:
        if self._compaction is None:
            self._compaction = LakeCompaction(store, self._options.compaction)
        await asyncio.to_thread(self._compaction.step, self._clock.now_ms())

    async def _recover(self, manifest: LakeManifest) -> None:
        """Brings a file that was lost, or put back from a copy, to where the source is."""
        found = recovered(manifest)
        if found is None or not await self._queue.is_behind(found.next):
            return
        await self._queue.restore(
            lambda: newest_rows(LakeReader(self._root, OFFLINE)),
            found.progress,
            next_=found.next,
            created_us=found.created_us,
            now_ms=self._clock.now_ms(),
        )
        RECOVERED.inc()
        self._logger.warning("features_recovered", manifest=manifest.number, chunks=found.next - 1)

    async def _opened(self) -> LakeStore:
        if self._store is None:
            self._store = await asyncio.to_thread(LakeStore.open, self._root, self._disk, OFFLINE)
            self._damage.mended()
        return self._store

    def _close(self) -> None:
        self._compaction = None
        if self._store is not None:
            self._store.close()
            self._store = None


def _addition(chunks: list[Chunk], progress: Progress) -> Addition:
    frames: dict[str, list[pl.DataFrame]] = {}
    complete_until_ms: dict[str, int] = {}
    for chunk in chunks:
        frames.setdefault(chunk.view, []).append(frame_of(chunk))
        complete_until_ms[chunk.view] = chunk.created_us // 1_000
    # A chunk of an older schema has no columns for younger fields.
    tables = {
        view: pl.concat([OFFLINE[view].to_frame(), *parts], how="diagonal") for view, parts in frames.items()
    }
    return Addition(tables, as_offsets(chunks[-1].number + 1, progress), complete_until_ms)
