"""A consumer of Kafka as its caller sees it, from the caller's own event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from eventlog.kafka_consumer import KafkaConsumer
from eventlog.kafka_holdings import Batch
from eventlog.kafka_thread import KafkaThread
from eventlog.log import Entry, Lane, Looked, Offsets, TopicPartition


class KafkaSubscription:
    """The Subscription port; the consumer itself runs in Kafka's thread, where its heart goes on beating."""

    def __init__(self, thread: KafkaThread, consumer: KafkaConsumer) -> None:
        self._thread = thread
        self._consumer = consumer
        self._reading: asyncio.Future[Batch] | None = None

    async def poll(self, *, max_entries: int, timeout_s: float) -> Sequence[Entry]:
        return (await self._read(max_entries, timeout_s)).entries

    async def look(self, *, max_entries: int, timeout_s: float, skip: Collection[Lane] = ()) -> Looked:
        batch = await self._read(max_entries, timeout_s, frozenset(skip))
        by_lane: dict[Lane, list[Entry]] = {}
        for entry in batch.entries:
            by_lane.setdefault(entry.topic_partition, []).append(entry)
        return Looked(by_lane, batch.behind)

    async def _read(
        self, max_entries: int, timeout_s: float, skip: frozenset[TopicPartition] | None = None
    ) -> Batch:
        # A poll whose caller was cancelled goes on in its thread; what it found belongs to the next.
        if self._reading is None:
            self._reading = self._thread.start(self._consumer.fetch(max_entries, timeout_s, skip))
        reading = self._reading
        await asyncio.wait({reading})
        # Taken over here, not in the thread: what nobody was given must neither be skipped nor committed.
        self._reading = None
        batch = reading.result()
        return batch if self._consumer.accept(batch) else batch._replace(entries=())

    async def commit(self, offsets: Offsets) -> None:
        if offsets:
            await self._thread.run(self._consumer.commit(offsets))

    async def positions(self) -> dict[TopicPartition, int]:
        positions = await self._thread.run(self._consumer.positions())
        if self._reading is not None and self._reading.done() and self._reading.exception() is None:
            for entry in self._reading.result().entries:
                tp = entry.topic_partition
                positions[tp] = min(positions.get(tp, entry.offset), entry.offset)
        return positions

    async def close(self) -> None:
        await self._thread.run(self._consumer.close())
        if self._reading is not None:
            self._reading.add_done_callback(lambda reading: reading.cancelled() or reading.exception())
