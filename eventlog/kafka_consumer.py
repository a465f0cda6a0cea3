"""One consumer of a group, as it lives in Kafka's own thread: what was fetched, given and committed.

A rebalance takes every partition away and gives some back. Before it lets them go, it waits until
what was given has been committed, so that a batch under way is nobody else's as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord
from aiokafka import TopicPartition as DriverPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaConnectionError,
    UnknownTopicOrPartitionError,
)
from prometheus_client import Counter

from core.errors import Unavailable
from core.waiting import happens
from eventlog.kafka_buffer import FetchBuffer
from eventlog.kafka_diagnosis import why_not_reached
from eventlog.kafka_errors import DRIVER_FAILURES, calling, translated
from eventlog.kafka_holdings import Batch, Holdings
from eventlog.kafka_options import KafkaOptions
from eventlog.kafka_silence import Silence
from eventlog.kafka_topics import why_unknown
from eventlog.log import Entry, Offsets, TopicPartition, next_offsets

REBALANCES = Counter("rankfeed_kafka_rebalances_total", "Times a group was divided anew", ["group"])
GIVEN_UP = Counter(
    "rankfeed_kafka_batches_given_up_total", "Partitions lost with a batch of theirs under way", ["group"]
)

_BUFFERED_ENTRIES = 5_000
_LOOK_EVERY_S = 1.0
_CLOSE_S = 10.0
# A broker answers within half a second, with nothing if need be: this one has not, and others have.
_SILENT_MS = 2_000


class KafkaConsumer(ConsumerRebalanceListener):  # type: ignore[misc]  # the driver ships no types
    """Everything runs in the thread's loop, except `accept`, which is the caller's."""

    def __init__(
        self, options: KafkaOptions, group: str, topics: Sequence[str], start: Offsets | None
    ) -> None:
        self._options = options
        self._group = group
        self._names = {options.topic(topic): topic for topic in topics}
        self._start = None if start is None else dict(start)
        self._driver: AIOKafkaConsumer | None = None
        self._broken = False
        self._closing = asyncio.Event()
        self._changed = asyncio.Event()
        self._settled = asyncio.Event()
        self._filling: asyncio.Task[None] | None = None
        self._fetched = FetchBuffer()
        self._holdings = Holdings()
        self._silence = Silence(options, group)
        self._logger = structlog.get_logger("kafka").bind(group=group)

    async def open(self) -> None:
        """Joins the group, or takes all partitions at `start`."""
        doing = f"joining group {self._group}"
        driver = self._driver = AIOKafkaConsumer(
            **self._options.client_arguments(),
            group_id=self._options.group(self._group),
            group_instance_id=self._options.instance if self._start is None else None,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            session_timeout_ms=self._options.session_timeout_ms,
            heartbeat_interval_ms=self._options.session_timeout_ms // 4,
            rebalance_timeout_ms=int((self._options.drain_timeout_s + 5) * 1000),
            # Waiting for a neighbour is no reason to lose the partitions; a process that hangs is.
            max_poll_interval_ms=15 * 60_000,
            fetch_max_bytes=16 * 1024 * 1024,
        )
        try:
            # Others of the group may first have to finish what they have under way.
            async with calling(doing, self._options.drain_timeout_s + self._options.call_timeout_s):
                if self._start is None:
                    driver.subscribe(list(self._names), listener=self)
                    await driver.start()
                else:
                    await driver.start()
                    await self._take_all(driver, self._start)
        except BaseException as exc:
            await self._stop_driver()
            if isinstance(exc.__cause__, KafkaConnectionError):
                raise await why_not_reached(self._options) from exc
            if isinstance(exc.__cause__, UnknownTopicOrPartitionError):
                raise await why_unknown(self._options, self._names.values(), doing) from exc
            raise

    async def fetch(
        self, max_entries: int, timeout_s: float, skip: Collection[TopicPartition] | None = None
    ) -> Batch:
        """Up to `max_entries`, a share of each partition that has some; none after `timeout_s`.

        With `skip`, from the other partitions only, and it says which are behind.
        """
        loop = asyncio.get_running_loop()
        end_s = loop.time() + timeout_s
        if self._broken:
            await self._reopen()
        while True:
            self._changed.clear()
            if not self._holdings.revoking and not self._closing.is_set():
                await self._top_up(max_entries, skip or ())
                if entries := self._fetched.take(max_entries, skip or ()):
                    behind = frozenset[TopicPartition]() if skip is None else await self._behind()
                    return Batch(self._holdings.generation, entries, behind)
            waiting_s = end_s - loop.time()
            if waiting_s <= 0.0 or self._closing.is_set():
                behind = frozenset[TopicPartition]() if skip is None else await self._behind()
                return Batch(self._holdings.generation, (), behind)
            before_s = loop.time()
            await happens(self._changed, min(waiting_s, _LOOK_EVERY_S))
            self._listen(loop.time() - before_s)

    def accept(self, batch: Batch) -> bool:
        """Hands a batch over; False where a rebalance has taken its partitions away meanwhile."""
        if not self._holdings.accept(batch):
            return False
        if self._start is not None:
            self._start |= next_offsets(batch.entries)
        return True

    async def commit(self, offsets: Offsets) -> None:
        wanted = self._holdings.still_ours(offsets)
        driver = self._driver
        if wanted and driver is not None and not self._broken:
            try:
                async with calling(f"committing for group {self._group}", self._options.call_timeout_s):
                    await driver.commit({self._to_driver(tp): next_ for tp, next_ in wanted.items()})
            except Unavailable as exc:
                if not isinstance(exc.__cause__, CommitFailedError | IllegalStateError):
                    raise
                self._logger.warning("commit_came_too_late", partitions=len(wanted))
        if self._holdings.committed(offsets):
            self._settled.set()

    async def positions(self) -> dict[TopicPartition, int]:
        driver, positions = self._driver, {}
        async with calling(f"asking where group {self._group} is", self._options.call_timeout_s):
            for tp in tuple(self._holdings.held):
                if driver is None or self._holdings.revoking:
                    return {}
                # Where the driver goes on is behind what still waits here.
                fetched_to = await driver.position(self._to_driver(tp))
                waiting = self._fetched.first(tp)
                positions[tp] = fetched_to if waiting is None else waiting.offset
        return positions

    async def close(self) -> None:
        self._closing.set()
        self._changed.set()
        self._settled.set()
        await self._stop_driver()

    async def on_partitions_revoked(self, revoked: Iterable[DriverPartition]) -> None:
        self._settled.clear()
        under_way = self._holdings.begin_revoking()
        self._fetched.clear()
        self._changed.set()
        if under_way and not self._closing.is_set():
            await happens(self._settled, self._options.drain_timeout_s)
        lost = self._holdings.let_go()
        if lost and not self._closing.is_set():
            GIVEN_UP.labels(self._group).inc(lost)
            self._logger.warning("batch_given_up", partitions=lost)

    def on_partitions_assigned(self, assigned: Iterable[DriverPartition]) -> None:
        REBALANCES.labels(self._group).inc()
        self._holdings.take(TopicPartition(self._names[tp.topic], tp.partition) for tp in assigned)
        self._changed.set()
        self._logger.info(
            "partitions_assigned", partitions=len(self._holdings.held), generation=self._holdings.generation
        )

    async def _take_all(self, driver: AIOKafkaConsumer, start: Offsets) -> None:
        partitions = [
            DriverPartition(name, partition)
            for name in self._names
            for partition in await driver._client._wait_on_metadata(name)
        ]
        driver.assign(partitions)
        self._holdings.take(TopicPartition(self._names[tp.topic], tp.partition) for tp in partitions)
        held = self._holdings.held
        for tp in held & start.keys():
            driver.seek(self._to_driver(tp), start[tp])
        if unknown := [self._to_driver(tp) for tp in held - start.keys()]:
            # Otherwise the driver would go on where the group has committed.
            await driver.seek_to_beginning(*unknown)

    async def _behind(self) -> frozenset[TopicPartition]:
        """The partitions that may hold more than was fetched and taken, by what their brokers said last."""
        driver = self._driver
        if driver is None or self._broken or self._holdings.revoking:
            return self._holdings.held
        stamps = {tp: driver.last_poll_timestamp(self._to_driver(tp)) or 0 for tp in self._holdings.held}
        heard_ms = max(stamps.values(), default=0)
        behind = set()
        for tp, stamp_ms in stamps.items():
            driver_tp = self._to_driver(tp)
            end = driver.highwater(driver_tp)
            # An end is known only of who has answered, and who has answered has a position.
            if (
                end is None
                or self._fetched.first(tp) is not None
                or await driver.position(driver_tp) < end
                or heard_ms - stamp_ms > _SILENT_MS
            ):
                behind.add(tp)
        return frozenset(behind)

    async def _top_up(self, wanted: int, skip: Collection[TopicPartition]) -> None:
        """Has the driver fetch on, unless enough is waiting; raises what its last fetch ran into."""
        if self._filling is not None and self._filling.done():
            filled, self._filling = self._filling, None
            try:
                filled.result()
            except DRIVER_FAILURES as exc:
                self._broken = True
                raise translated(exc, f"reading for group {self._group}") from exc
        if self._filling is None and self._fetched.waiting(skip) < max(wanted, _BUFFERED_ENTRIES):
            only = [self._to_driver(tp) for tp in self._holdings.held if tp not in skip] if skip else []
            if skip and not only:
                return
            self._filling = asyncio.create_task(self._fill(only))
            self._filling.add_done_callback(lambda _: self._changed.set())
            # What has arrived by now shall have its share of this batch.
            await asyncio.sleep(0)

    async def _fill(self, only: Sequence[DriverPartition]) -> None:
        """Moves what the driver fetched next into the buffer; nothing is lost if nobody waits for it.

        From `only` these partitions, or from all where there is none.
        """
        assert self._driver is not None
        found = await self._driver.getmany(*only, timeout_ms=int(_LOOK_EVERY_S * 1000))
        # What it returns is of the division that it returns in: kept even where we are told of it later.
        for driver_tp, records in found.items():
            tp = TopicPartition(self._names[driver_tp.topic], driver_tp.partition)
            self._fetched.add(tp, (_entry(tp, record) for record in records))

    def _listen(self, waited_s: float) -> None:
        driver = self._driver
        if self._holdings.revoking:
            self._silence.waited_for_partitions(waited_s)
        elif driver is not None and self._holdings.held:
            self._silence.waited(waited_s, [driver.last_poll_timestamp(tp) for tp in driver.assignment()])

    async def _reopen(self) -> None:
        """A driver that has failed does not recover: a fresh one goes on where the caller was."""
        await self._stop_driver()
        self._holdings.start_anew()
        self._fetched.clear()
        await self.open()
        self._broken = False

    async def _stop_driver(self) -> None:
        driver, self._driver = self._driver, None
        if self._filling is not None:
            self._filling.cancel()
            await asyncio.gather(self._filling, return_exceptions=True)
            self._filling = None
        if driver is None:
            return
        try:
            async with asyncio.timeout(_CLOSE_S):
                await driver.stop()
        except DRIVER_FAILURES as exc:
            self._logger.warning("kafka_consumer_not_closed", error=str(exc) or type(exc).__name__)
            await driver._client.close()

    def _to_driver(self, tp: TopicPartition) -> DriverPartition:
        return DriverPartition(self._options.topic(tp.topic), tp.partition)


def _entry(tp: TopicPartition, record: ConsumerRecord) -> Entry:
    key = int.from_bytes(record.key or b"", "big", signed=True)
    return Entry(*tp, record.offset, key, record.value or b"", record.timestamp)
