"""A log of lanes for tests of the merge: what each holds, and how much of it can be seen."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from eventlog.log import Entry, Lane, Looked, Offsets, TopicPartition
from eventlog.schema import VIEWS, Viewed, record_of
from stores.ports import OutboxRecord

PUBLISHED_MS = 2_000_000_000_000


def lane(partition: int) -> Lane:
    return TopicPartition(VIEWS, partition)


def entry(partition: int, offset: int, ts_ms: int, id: int, published_ms: int = PUBLISHED_MS) -> Entry:
    record = record_of(Viewed(1, b"r", 2, 3, "seen"), id=id, ts_ms=ts_ms, key=1)
    return Entry(VIEWS, partition, offset, 1, record.value, published_ms)


class LaneLog:
    """Gives `per_look` entries of a lane at a time; `hidden` lanes are behind and give nothing."""

    def __init__(self, *lanes: Sequence[Entry], per_look: int = 3) -> None:
        self.lanes = [list(one) for one in lanes]
        self.per_look = per_look
        self.hidden: set[Lane] = set()
        self.looks: list[set[Lane]] = []
        self.now_s = 0.0
        self.committed: dict[TopicPartition, int] = {}

    def now(self) -> float:
        return self.now_s

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        raise AssertionError("nobody appends")

    async def subscribe(
        self, group: str, topics: Sequence[str], *, start: Offsets | None = None
    ) -> LaneReads:
        return LaneReads(self, start or {})

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[str, int]:
        return {}


class LaneReads:
    def __init__(self, log: LaneLog, start: Offsets) -> None:
        self._log = log
        self._at = [
            sum(one.offset < start.get(lane(number), 0) for one in entries)
            for number, entries in enumerate(log.lanes)
        ]

    async def poll(self, *, max_entries: int, timeout_s: float) -> Sequence[Entry]:
        raise AssertionError("a merge looks")

    async def look(self, *, max_entries: int, timeout_s: float, skip: Collection[Lane] = ()) -> Looked:
        """Time goes on only while there is nothing to give."""
        by_lane: dict[Lane, Sequence[Entry]] = {}
        for number, entries in enumerate(self._log.lanes):
            at = self._at[number]
            if lane(number) in skip or lane(number) in self._log.hidden:
                continue
            if found := entries[at : at + self._log.per_look]:
                by_lane[lane(number)] = found
                self._at[number] += len(found)
        self._log.looks.append(set(by_lane))
        if not by_lane:
            self._log.now_s += timeout_s
        behind = {
            lane(number)
            for number, entries in enumerate(self._log.lanes)
            if self._at[number] < len(entries) or lane(number) in self._log.hidden
        }
        return Looked(by_lane, frozenset(behind))

    async def commit(self, offsets: Offsets) -> None:
        self._log.committed |= offsets

    async def positions(self) -> Offsets:
        return {
            lane(number): entries[self._at[number]].offset if self._at[number] < len(entries) else 10**9
            for number, entries in enumerate(self._log.lanes)
        }

    async def close(self) -> None:
        pass
