"""The log's way into the lake, exactly once.

The consumer keeps its own offsets: they lie in the lake's manifest, beside the names of the files
that hold what was consumed up to them. It starts from there, whatever the log remembers; the
offsets it commits to the log are for its lag only. Whatever goes wrong, it forgets what it had in
memory and begins again from the newest manifest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import structlog

from core.clock import Clock
from core.errors import Corrupt, Unavailable
from core.waiting import happens
from eventlog.envelope import decode_envelope
from eventlog.log import Entry, LaneLog, LaneSubscription, TopicPartition, next_offsets
from eventlog.schema import DeadLetter, Scored, decode_event, record_of
from eventlog.shorter_log import OwnStart
from eventlog.worker import DEAD, HANDLED, LAST_OFFSET, SKIPPED
from pipelines.damage import RETRY_S, Damage
from pipelines.lake_completeness import LakeCompleteness
from pipelines.lake_rows import TABLE_OF_TOPIC, Row, rows_of
from pipelines.lake_scored import Matrix, frame_of, matrix_of
from stores.lake import LakeManifest
from stores.lake_compaction import LakeCompaction
from stores.lake_disk import LakeDisk
from stores.lake_merging import STEADILY, CompactionPolicy
from stores.lake_store import Addition, LakeStore
from stores.lake_tables import SCHEMAS

GROUP = "lake"
TOPICS = tuple(TABLE_OF_TOPIC)


@dataclass(frozen=True, slots=True)
class LakeOptions:
    """A commit is made once `flush_entries` or `flush_rows` are waiting, or the first of them for `flush_s`.

    An entry is a row, but for pages (about twenty) and matrices (hundreds). Every `compact_every_s`
    closed hours are looked for, and compacted between commits.
    """

    flush_entries: int = 50_000
    flush_rows: int = 200_000
    flush_s: float = 1.0
    poll_entries: int = 2_000
    poll_s: float = 0.25
    retry_s: float = 1.0
    damaged_retry_s: float = RETRY_S
    compact_every_s: float = 60.0
    compaction: CompactionPolicy = STEADILY


@dataclass(slots=True)
class _Waiting:
    """What was consumed and is not in the lake yet."""

    since_s: float = 0.0
    entries: int = 0
    rows: dict[str, list[Row]] = field(default_factory=dict)
    matrices: list[Matrix] = field(default_factory=list)
    offsets: dict[TopicPartition, int] = field(default_factory=dict)
    types: dict[str, int] = field(default_factory=dict)

    @property
    def row_count(self) -> int:
        rows = sum(map(len, self.rows.values()))
        return rows + sum(len(matrix.scored.sources) for matrix in self.matrices)

    def consumed(self, entries: Sequence[Entry]) -> None:
        self.entries += len(entries)
        self.offsets |= next_offsets(entries)

    def addition(self, complete_until_ms: Mapping[str, int]) -> Addition:
        frames = {
            table: pl.DataFrame(rows, schema=SCHEMAS[table], orient="row")
            for table, rows in self.rows.items()
        }
        if self.matrices:
            frames["scored"] = frame_of(self.matrices)
        offsets: dict[str, dict[int, int]] = {}
        for partition, next_ in self.offsets.items():
            offsets.setdefault(partition.topic, {})[partition.partition] = next_
        return Addition(frames, offsets, complete_until_ms)


class LakeWriter:
    """Writes every table of `TABLE_OF_TOPIC` to the lake at `root` until it is told to stop.

    There is one writer a lake: a second one waits until the first is gone. An event that cannot be
    read goes to the dead letters (at least once), one of an unknown type is skipped and counted.
    """

    def __init__(
        self,
        log: LaneLog,
        root: Path,
        clock: Clock,
        mint: Callable[[], int],
        options: LakeOptions | None = None,
        disk: LakeDisk | None = None,
    ) -> None:
        self._log = log
        self._root = root
        self._clock = clock
        self._mint = mint
        self._options = options or LakeOptions()
        self._disk = disk or LakeDisk()
        self._damage = Damage(GROUP, self._options.damaged_retry_s)
        self._logger = structlog.get_logger("lake")

    async def run(self, stop: asyncio.Event) -> None:
        """What was consumed when `stop` is set is written before this returns.

        A log or a disk that is away is waited for, and so is whoever mends a lake that cannot be gone
        on with: the error in the log says what to do, and the writer goes on once that is done.
        """
        while not stop.is_set():
            try:
                await self._session(stop)
            except Unavailable as exc:
                self._logger.warning("lake_waits", error=str(exc))
                await happens(stop, self._options.retry_s)
            except Corrupt as exc:
                await self._damage.wait_out(exc, stop)

    async def _session(self, stop: asyncio.Event) -> None:
        store = await asyncio.to_thread(LakeStore.open, self._root, self._disk)
        self._damage.mended()
        try:
            start = _start_of(store.manifest)
            subscription = await self._log.subscribe(GROUP, TOPICS, start=start)
            try:
                if start:
                    # The last process may have ended before it told the log, which would seem to lag
                    # until the next entry comes.
                    await subscription.commit(start)
                await self._consume(store, subscription, stop)
            finally:
                await subscription.close()
        finally:
            store.close()

    async def _consume(self, store: LakeStore, subscription: LaneSubscription, stop: asyncio.Event) -> None:
        waiting = _Waiting()
        start = OwnStart(GROUP, _start_of(store.manifest))
        complete = LakeCompleteness(store.manifest.complete_until_ms)
        compaction = LakeCompaction(store, self._options.compaction)
        look_at_s = self._clock.monotonic_s()
        while not stop.is_set():
            looked = await subscription.look(
                max_entries=self._options.poll_entries, timeout_s=self._patience_s(waiting)
            )
            complete.looked(looked)
            if looked.by_lane:
                entries = [entry for lane in looked.by_lane.values() for entry in lane]
                # What the manifest then says replaces what it said: it is enough that it is told of.
                start.first_below(entries)
                if not waiting.entries:
                    waiting.since_s = self._clock.monotonic_s()
                await self._take(entries, waiting)
            # Without an entry, too: the last lane that was waited for may have had none after all.
            is_more = complete.is_beyond(store.manifest.complete_until_ms)
            if self._is_due(waiting) if waiting.entries else is_more:
                await self._flush(store, subscription, waiting, complete)
                waiting = _Waiting()
            if self._clock.monotonic_s() >= look_at_s:
                # A second or two each time, in which the log waits; more of them after the next poll.
                did = await asyncio.to_thread(compaction.step, self._clock.now_ms())
                look_at_s = self._clock.monotonic_s() + (0.0 if did else self._options.compact_every_s)
        if waiting.entries:
            await self._flush(store, subscription, waiting, complete)

    def _patience_s(self, waiting: _Waiting) -> float:
        if not waiting.entries:
            return self._options.poll_s
        left_s = waiting.since_s + self._options.flush_s - self._clock.monotonic_s()
        return min(self._options.poll_s, max(0.0, left_s))

    def _is_due(self, waiting: _Waiting) -> bool:
        if waiting.entries >= self._options.flush_entries or waiting.row_count >= self._options.flush_rows:
            return True
        age_s = self._clock.monotonic_s() - waiting.since_s
        return age_s >= self._options.flush_s

    async def _take(self, entries: Sequence[Entry], waiting: _Waiting) -> None:
        for entry in entries:
            try:
                envelope = decode_envelope(entry.value)
                if not envelope.is_for(GROUP):
                    continue
                event = decode_event(envelope)
                if isinstance(event, Scored):
                    waiting.matrices.append(matrix_of(envelope, event))
                rows = [] if event is None else rows_of(envelope, event)
            except Corrupt as exc:
                await self._set_aside(entry, exc)
                continue
            if event is None:
                SKIPPED.labels(GROUP, envelope.type).inc()
                continue
            if rows:
                waiting.rows.setdefault(TABLE_OF_TOPIC[event.topic], []).extend(rows)
            waiting.types[envelope.type] = waiting.types.get(envelope.type, 0) + 1
        waiting.consumed(entries)

    async def _flush(
        self,
        store: LakeStore,
        subscription: LaneSubscription,
        waiting: _Waiting,
        complete: LakeCompleteness,
    ) -> None:
        until_ms = complete.until_ms()
        manifest = await asyncio.to_thread(
            lambda: store.commit(waiting.addition(until_ms), self._clock.now_ms())
        )
        for type_, count in waiting.types.items():
            HANDLED.labels(GROUP, type_).inc(count)
        for partition, next_ in waiting.offsets.items():
            LAST_OFFSET.labels(GROUP, partition.topic).set(next_ - 1)
        self._logger.debug("lake_committed", manifest=manifest.number, entries=waiting.entries)
        await subscription.commit(waiting.offsets)

    async def _set_aside(self, entry: Entry, cause: Corrupt) -> None:
        letter = DeadLetter(entry.topic, entry.partition, entry.offset, GROUP, str(cause), 1, entry.value)
        record = record_of(letter, id=self._mint(), ts_ms=self._clock.now_ms(), key=entry.key)
        await self._log.append([record])
        DEAD.labels(GROUP, entry.topic).inc()
        self._logger.error("dead_letter", topic=entry.topic, offset=entry.offset, error=str(cause))


def _start_of(manifest: LakeManifest) -> dict[TopicPartition, int]:
    return {
        TopicPartition(topic, partition): next_
        for topic, partitions in manifest.offsets.items()
        for partition, next_ in partitions.items()
    }
