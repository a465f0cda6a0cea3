"""The EventLog port: keyed order, at least once, replay, lag. Every adapter passes one suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from stores.ports import OutboxRecord


class TopicPartition(NamedTuple):
    topic: str
    partition: int


class Entry(NamedTuple):
    """One record as the log holds it. Offsets of a partition rise; they may have gaps."""

    topic: str
    partition: int
    offset: int
    key: int
    value: bytes
    published_ms: int

    @property
    def topic_partition(self) -> TopicPartition:
        return TopicPartition(self.topic, self.partition)


Offsets = Mapping[TopicPartition, int]


class Subscription(Protocol):
    """One consumer of a group. Not safe for use by several tasks at once."""

    async def poll(self, *, max_entries: int, timeout_s: float) -> Sequence[Entry]:
        """The next entries, or none after `timeout_s`.

        Entries of one key come in the order in which they were appended; each at least once
        between two commits. Raises Unavailable while the log cannot be reached.
        """
        ...

    async def commit(self, offsets: Offsets) -> None:
        """Remembers, per partition, the offset of the next entry that the group wants."""
        ...

    async def close(self) -> None: ...


class EventLog(Protocol):
    async def append(self, records: Sequence[OutboxRecord]) -> None:
        """Adds telemetry (facts go through a store's outbox); all of it or nothing."""
        ...

    async def subscribe(
        self, group: str, topics: Sequence[str], *, start: Offsets | None = None
    ) -> Subscription:
        """Joins `group` at what it committed; or, where a consumer keeps its own offsets, at `start`.

        With `start`, what the group committed does not count at all. A partition of which nothing
        is known starts at the oldest entry.
        """
        ...

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[str, int]:
        """Entries per topic that the group has not committed yet."""
        ...


def next_offsets(entries: Sequence[Entry]) -> dict[TopicPartition, int]:
    """What to commit once all of `entries` have been handled."""
    offsets: dict[TopicPartition, int] = {}
    for entry in entries:
        offsets[entry.topic_partition] = max(offsets.get(entry.topic_partition, 0), entry.offset + 1)
    return offsets
