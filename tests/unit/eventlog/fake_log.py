"""A log in memory that fails when it is told to, and tells its consumer to stop once it is drained."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence

from core.errors import RankfeedError
from eventlog.log import Entry, Lane, Looked, Offsets, TopicPartition, next_offsets
from stores.ports import OutboxRecord


class FakeLog:
    """One partition a topic; offsets leave gaps of ten, as a log may.

    `failing` holds, per method, the errors that its next calls raise, in order.
    """

    def __init__(self, stop: asyncio.Event) -> None:
        self.stop = stop
        self.entries: list[Entry] = []
        self.appended: list[OutboxRecord] = []
        self.committed: dict[TopicPartition, int] = {}
        self.commits = 0
        self.polled: list[int] = []
        self.subscriptions: list[FakeSubscription] = []
        self.failing: dict[str, list[RankfeedError]] = {}

    def publish(self, topic: str, key: int, value: bytes) -> Entry:
        entry = Entry(topic, 0, 10 * len(self.entries), key, value, published_ms=1)
        self.entries.append(entry)
        return entry

    def fail(self, method: str) -> None:
        if errors := self.failing.get(method):
            raise errors.pop(0)

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        self.fail("append")
        self.appended += records

    async def subscribe(
        self, group: str, topics: Sequence[str], *, start: Offsets | None = None
    ) -> FakeSubscription:
        self.fail("subscribe")
        ends = await self.ends(topics)
        # What lies above the end is forgotten, as by the distributed log.
        wanted = {tp: at for tp, at in (start or {}).items() if at <= ends.get(tp, 0)}
        subscription = FakeSubscription(self, topics, self.committed if start is None else wanted)
        self.subscriptions.append(subscription)
        return subscription

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[str, int]:
        return {
            topic: sum(
                entry.offset >= self.committed.get(entry.topic_partition, 0)
                for entry in self.entries
                if entry.topic == topic
            )
            for topic in topics
        }

    async def ends(self, topics: Sequence[str]) -> Offsets:
        ends = {TopicPartition(topic, 0): 0 for topic in topics}
        return ends | {tp: next_ for tp, next_ in next_offsets(self.entries).items() if tp.topic in topics}

    async def offsets_at(self, topics: Sequence[str], ts_ms: int) -> Offsets:
        firsts = dict(await self.ends(topics))
        for entry in reversed(self.entries):
            if entry.topic in topics and entry.published_ms >= ts_ms:
                firsts[entry.topic_partition] = entry.offset
        return firsts

    async def offsets_of(self, group: str, topics: Sequence[str]) -> Offsets:
        return {tp: next_ for tp, next_ in self.committed.items() if tp.topic in topics}

    async def reset(self, group: str, offsets: Offsets) -> None:
        self.fail("reset")
        self.committed |= offsets


class FakeSubscription:
    def __init__(self, log: FakeLog, topics: Sequence[str], positions: Offsets) -> None:
        self._log = log
        self._topics = topics
        self._positions = dict(positions)
        self.closed = False

    async def poll(self, *, max_entries: int, timeout_s: float) -> Sequence[Entry]:
        self._log.fail("poll")
        found = [
            entry
            for entry in self._log.entries
            if entry.topic in self._topics and entry.offset >= self._positions.get(entry.topic_partition, 0)
        ][:max_entries]
        for entry in found:
            self._positions[entry.topic_partition] = entry.offset + 1
        self._log.polled.append(len(found))
        if not found:
            self._log.stop.set()
        return found

    async def look(self, *, max_entries: int, timeout_s: float, skip: Collection[Lane] = ()) -> Looked:
        entries = await self.poll(max_entries=max_entries, timeout_s=timeout_s)
        return Looked({TopicPartition(self._topics[0], 0): entries} if entries else {}, frozenset())

    async def commit(self, offsets: Offsets) -> None:
        self._log.fail("commit")
        self._log.commits += 1
        self._log.committed |= offsets

    async def positions(self) -> Offsets:
        return {TopicPartition(topic, 0): 0 for topic in self._topics} | self._positions

    async def close(self) -> None:
        self.closed = True
