"""The features stream: what viewers do becomes rows, in a file of its own, from there in Redis and the lake.

At least once from the log, exactly once into the rows: the rows, the progress and the keys of what
was counted are one transaction. The rows in memory are a cache of the file. Partitions are merged
by (ts_ms, id) under a watermark; what comes later than its row's time is added decayed.
"""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog
from prometheus_client import Counter, Gauge

from core.clock import Clock
from core.errors import Corrupt
from core.ids import id_time_ms
from eventlog.log import LaneLog, TopicPartition, next_offsets
from eventlog.merged import MergedLog
from eventlog.worker import Arrived, MintId, Worker, WorkerOptions
from features.accumulate import FeatureState, Observation, PackedRow
from features.packed_store import ExpiringRow, PackedStore
from features.schema import VIEWS
from features.seen_list import TTL_S, SeenLists, seen_key
from pipelines.damage import Damage
from pipelines.features_file import FeaturesFile
from pipelines.features_observation import TOPICS, counted_of
from pipelines.features_offline import FeaturesOffline
from pipelines.features_projection import FeaturesProjection
from pipelines.popular_tweets import PopularTweets
from stores.lake_disk import LakeDisk

OBSERVED = Counter("rankfeed_observations_total", "Observations folded into feature rows", ["kind"])
REPEATED = Counter("rankfeed_observations_repeated_total", "Observations that had been counted already")
NEWEST = Gauge("rankfeed_features_newest_event_seconds", "The newest event time among feature rows, epoch")
UNREADABLE = Counter("rankfeed_feature_rows_unreadable_total", "Rows of the file that started anew")

GROUP = "features"
_OPTIONS = WorkerOptions(group=GROUP, topics=TOPICS, batch=5_000)
_COUNTED_FOR_MS = 24 * 3_600_000
_AHEAD_MS = 24 * 3_600_000
# About 400 bytes each; above it memory starts over from the file.
_ROWS_IN_MEMORY = 300_000
# At most 4 KB each.
_LISTS_IN_MEMORY = 10_000

HandOver = Callable[[Sequence[ExpiringRow]], None]
"""Takes rows and lists that were committed; must not wait."""

FileOpener = Callable[[Path, Clock], FeaturesFile]


class FeaturesStream:
    """Consumes what is done to tweets, follows and new tweets.

    There is one process a `path`, which a lock beside the file sees to.
    """

    def __init__(
        self,
        log: LaneLog,
        store: PackedStore,
        path: Path,
        lake: Path,
        clock: Clock,
        mint: MintId,
        opener: FileOpener = FeaturesFile.open,
        disk: LakeDisk | None = None,
        popular: PopularTweets | None = None,
    ) -> None:
        """`path` is the stream's own file, `lake` the root of the lake that has the offline source.

        With `popular` it is said beside the stream what is.
        """
        self._log = log
        self._store = store
        self._path = path
        self._lake = lake
        self._clock = clock
        self._mint = mint
        self._opener = opener
        self._disk = disk or LakeDisk()
        self._popular = popular
        self._damage = Damage(GROUP)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; raises ConfigurationError where another stream has the file.

        Whoever mends a file that cannot be opened is waited for.
        """
        while (file := await self._opened(stop)) is None:
            if stop.is_set():
                return
        try:
            offline = FeaturesOffline(file.offline, self._lake, self._clock, self._disk)
            if not await offline.open(stop):
                return
            projection = FeaturesProjection(self._store, file, str(self._mint()))

            def hand_over(rows: Sequence[ExpiringRow]) -> None:
                projection.hand_over(rows)
                offline.wake()

            handler = FeaturesHandler(file, hand_over, self._clock)
            log = MergedLog(self._log, file.reached)
            worker = Worker(log, handler, self._clock, self._mint, _OPTIONS, own_offsets=file)
            drained = asyncio.Event()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(projection.run(drained))
                tasks.create_task(offline.run(drained))
                if self._popular is not None:
                    tasks.create_task(self._popular.run(file, drained))
                await worker.run(stop)
                drained.set()
                projection.wake()
                offline.wake()
        finally:
            file.close()

    async def _opened(self, stop: asyncio.Event) -> FeaturesFile | None:
        try:
            file = self._opener(self._path, self._clock)
        except Corrupt as exc:
            await self._damage.wait_out(exc, stop)
            return None
        self._damage.mended()
        return file


class FeaturesHandler:
    """Folds batches of events, in their order, into the rows (`eventlog.worker.Handler`).

    Handling a batch again changes nothing: its entries are behind the file's offsets.
    """

    def __init__(self, file: FeaturesFile, hand_over: HandOver, clock: Clock) -> None:
        self._file = file
        self._hand_over = hand_over
        self._clock = clock
        self._state = FeatureState()
        self._seen = SeenLists()
        self._logger = structlog.get_logger("features_stream")

    async def handle(self, batch: Sequence[Arrived]) -> None:
        """Raises Corrupt before anything changed where an event cannot be counted; Unavailable."""
        not_after_ms = self._clock.now_ms() + _AHEAD_MS
        candidates = [
            (one, counted)
            for one in batch
            if (counted := counted_of(one, not_after_ms=not_after_ms)) is not None
        ]
        found = await self._file.find(
            [counted.key for _, counted in candidates],
            self._state.unknown(counted.observation for _, counted in candidates),
            self._seen.unknown(counted.observation for _, counted in candidates),
        )
        fresh: dict[bytes, int] = {}
        observations: list[Observation] = []
        for one, (key, observation) in candidates:
            if one.entry.offset < found.offsets.get(one.entry.topic_partition, 0):
                continue
            if key in found.counted or key in fresh:
                REPEATED.inc()
                continue
            fresh[key] = one.entry.published_ms
            observations.append(observation)
        self._load(found.rows)
        for viewer, packed in found.seen:
            self._seen.load(viewer, packed)
        # When it arrived is in an event's id; it cannot have arrived after now.
        newest_ms = max((id_time_ms(one.envelope.id) for one, _ in candidates), default=0)
        await self._fold(batch, observations, fresh, min(newest_ms, self._clock.now_ms()))

    async def _fold(
        self,
        batch: Sequence[Arrived],
        observations: Sequence[Observation],
        counted: dict[bytes, int],
        arrived_ms: int,
    ) -> None:
        committed = False
        try:
            for observation in observations:
                self._state.apply(observation)
                self._seen.apply(observation)
            rows, seen = self._state.drain(), self._seen.drain()
            await self._file.commit(
                rows,
                counted,
                next_offsets([one.entry for one in batch]),
                forget_before_ms=max(one.entry.published_ms for one in batch) - _COUNTED_FOR_MS,
                arrived_ms=arrived_ms,
                reached=_reached(batch),
                seen=seen,
            )
            committed = True
        finally:
            # Memory must never be ahead of the file; after this it is read from there.
            if not committed or len(self._state) > _ROWS_IN_MEMORY:
                self._state.clear()
            if not committed or len(self._seen) > _LISTS_IN_MEMORY:
                self._seen.clear()
        self._hand_over(
            [
                *(ExpiringRow.of(row, VIEWS[row.view].ttl_s) for row in rows),
                *(ExpiringRow(seen_key(viewer), packed, TTL_S) for viewer, packed in seen),
            ]
        )
        for kind, n in Tally(one.kind for one in observations).items():
            OBSERVED.labels(kind).inc(n)
        if observations:
            NEWEST.set(observations[-1].ts_ms / 1000)

    def _load(self, rows: Sequence[PackedRow]) -> None:
        for row in rows:
            try:
                self._state.load(row.view, row.entity, row.packed)
            except Corrupt as exc:
                # Another schema or damage: the row starts anew rather than stop every other.
                UNREADABLE.inc()
                self._logger.error("row_unreadable", view=row.view, entity=row.entity, error=str(exc))


def _reached(batch: Sequence[Arrived]) -> dict[TopicPartition, int]:
    """Per partition the newest time of its events, none of which is after its publication."""
    reached: dict[tuple[str, int], int] = {}
    for (topic, partition, _, _, _, published_ms), envelope, _ in batch:
        as_of_ms = envelope.ts_ms if envelope.ts_ms < published_ms else published_ms
        if as_of_ms > reached.get((topic, partition), 0):
            reached[topic, partition] = as_of_ms
    return {TopicPartition(*key): as_of_ms for key, as_of_ms in reached.items()}
