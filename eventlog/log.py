"""The EventLog port: keyed order, at least once, replay, lag. Every adapter passes one suite."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from stores.ports import OutboxRecord

MAX_VALUE_BYTES = 1_000_000
"""A record's largest value. Dead letters, which carry another record, may be a fifth larger."""


class TopicPartition(NamedTuple):
    topic: str
    partition: int


class Entry(NamedTuple):
    """One record as the log holds it. Offsets of a partition rise; they may have gaps.

    `published_ms` is the time by the log's own clock, which need not be that of who appended it.
    """

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

ALL = -1
Lane = TopicPartition
"""What a log reads in one order: a partition, or all of a topic where `partition` is ALL."""


class Looked(NamedTuple):
    """What one look found: entries by lane, each lane's in the order in which they were appended.

    A lane of `behind` may hold more than was given so far; every other one held nothing more.
    """

    by_lane: Mapping[Lane, Sequence[Entry]]
    behind: frozenset[Lane]


class Subscription(Protocol):
    """One consumer of a group. Not safe for use by several tasks at once."""

    async def poll(self, *, max_entries: int, timeout_s: float) -> Sequence[Entry]:
        """The next entries, or none after `timeout_s`, or earlier where the group is being divided anew.

        Entries of one key come in the order in which they were appended; each at least once
        between two commits. Raises Unavailable while the log cannot be reached; it may take a
        few seconds to notice.
        """
        ...

    async def commit(self, offsets: Offsets) -> None:
        """Remembers, per partition, the offset of the next entry that the group wants.

        Partitions that this consumer does not hold any more are left out: what it was given of
        them comes again, to whoever holds them. A group waits for the commit of what was polled
        before it gives a partition to somebody else, though not for ever. Where Unavailable is
        raised the outcome is unknown; the same call may be repeated.
        """
        ...

    async def positions(self) -> Offsets:
        """Per partition that this consumer holds, where the next poll goes on.

        Everything below has been given, or was not for this consumer. Empty while the group is
        being divided anew.
        """
        ...

    async def close(self) -> None:
        """What was polled and not committed comes again; a poll under way ends with nothing."""
        ...


class LaneSubscription(Subscription, Protocol):
    """A subscription that says how its entries hang together: for who merges lanes by time."""

    async def look(self, *, max_entries: int, timeout_s: float, skip: Collection[Lane] = ()) -> Looked:
        """As `poll`, but by lane, and with nothing from the lanes to `skip`; they lose nothing."""
        ...


class EventLog(Protocol):
    async def append(self, records: Sequence[OutboxRecord]) -> None:
        """Adds telemetry, and facts on their way from an outbox; returns once all are durable.

        Records of one key keep their order, in a call and over calls that follow each other. Where
        Unavailable is raised the outcome is unknown: any of the records may be there, or arrive
        yet, even after those of a later call. The same call again adds anew what is there
        already, so consumers go by an event's id and `ver`. ValueError for a value that is larger
        than MAX_VALUE_BYTES.
        """
        ...

    async def subscribe(
        self, group: str, topics: Sequence[str], *, start: Offsets | None = None
    ) -> Subscription:
        """Joins `group` at what it committed; or, where a consumer keeps its own offsets, at `start`.

        The consumers of a group share its partitions. With `start` there is no sharing: the
        consumer reads all partitions, and what the group committed does not count at all. A
        consumer with `start` that never commits leaves no trace. A partition of which nothing is
        known, or whose wanted entry has expired, starts at the oldest entry.

        A `start` above everything that the log ever held says that it was made anew, or lost its end.
        That is said as an error and counted; what is appended from then on is given all the same.
        `positions` may be lower than `start` then: what was kept beside offsets of before is no reason
        to leave these entries out.
        """
        ...

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[str, int]:
        """Entries per topic that the group has not committed yet."""
        ...


class LaneLog(EventLog, Protocol):
    """What both adapters are; those that stand in front of them need not be."""

    async def subscribe(
        self, group: str, topics: Sequence[str], *, start: Offsets | None = None
    ) -> LaneSubscription: ...


class OperatedLog(LaneLog, Protocol):
    """What those who look after the log may ask of it besides; both adapters answer."""

    async def ends(self, topics: Sequence[str]) -> Offsets:
        """Per partition an offset that every entry of now lies below, and none that comes later."""
        ...

    async def offsets_at(self, topics: Sequence[str], ts_ms: int) -> Offsets:
        """Per partition the first entry published at or after `ts_ms`; its end where there is none."""
        ...

    async def offsets_of(self, group: str, topics: Sequence[str]) -> Offsets:
        """What `group` has committed: per partition the next entry it wants, where it has said so."""
        ...

    async def reset(self, group: str, offsets: Offsets) -> None:
        """Sets, for partitions that are named, what `group` committed: forward, or back for a replay.

        Its consumers must have been stopped: one that runs goes on from its own position, and the
        distributed log refuses the reset with ConfigurationError. Consumers that keep their own
        offsets do not notice it.
        """
        ...


def check_sizes(records: Sequence[OutboxRecord], dead_letters: str) -> None:
    """Raises ValueError for a record that no log takes; `dead_letters` is the topic that takes more."""
    for record in records:
        limit = MAX_VALUE_BYTES * 6 // 5 if record.topic == dead_letters else MAX_VALUE_BYTES
        if len(record.value) > limit:
            raise ValueError(
                f"a value of {len(record.value)} bytes for {record.topic}: the limit is {limit} bytes"
            )


def next_offsets(entries: Sequence[Entry]) -> dict[TopicPartition, int]:
    """What to commit once all of `entries` have been handled."""
    # Plain tuples until the end: this is done for every batch, several times.
    offsets: dict[tuple[str, int], int] = {}
    for topic, partition, offset, *_ in entries:
        key = (topic, partition)
        if offset >= offsets.get(key, 0):
            offsets[key] = offset + 1
    return {TopicPartition(*key): next_ for key, next_ in offsets.items()}
