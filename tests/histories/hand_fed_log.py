"""The log as consumers see it, fed by hand: a history chooses what a group is given, and when.

The entries are those of the real log. Of one partition they come in their order, from where the group
committed; between partitions a history may choose any order, and it may set a group back.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field

from eventlog.log import Entry, Lane, LaneSubscription, Looked, Offsets, OperatedLog, TopicPartition
from eventlog.schema import DEAD_LETTERS
from stores.ports import OutboxRecord

_MANY = 10_000


class Group:
    """One group's part of the log: what was published, what was handled, and what was committed."""

    def __init__(self, source: LaneSubscription) -> None:
        self._source = source
        self._entries: dict[TopicPartition, list[Entry]] = {}
        self._handled: dict[TopicPartition, int] = {}
        self._committed: dict[TopicPartition, int] = {}

    async def refresh(self) -> None:
        """Takes over what was published since; nothing waits for more."""
        for entry in await self._source.poll(max_entries=_MANY, timeout_s=0):
            self._entries.setdefault(entry.topic_partition, []).append(entry)

    @property
    def is_done(self) -> bool:
        """Whether everything is handled, and committed too."""
        return not self._behind(self._handled) and not self._behind(self._committed)

    def pending(self) -> dict[TopicPartition, list[Entry]]:
        """Per partition what has not been handled; partitions in a stable order."""
        return self._behind(self._handled)

    def _behind(self, following: Offsets) -> dict[TopicPartition, list[Entry]]:
        behind = {
            tp: [entry for entry in entries if entry.offset >= following.get(tp, 0)]
            for tp, entries in sorted(self._entries.items())
        }
        return {tp: entries for tp, entries in behind.items() if entries}

    def everything(self) -> list[Entry]:
        """What is pending, in the order of the log."""
        pending = itertools.chain.from_iterable(self.pending().values())
        return sorted(pending, key=lambda entry: (entry.published_ms, entry.offset))

    def chosen(self, picks: Sequence[int]) -> list[Entry]:
        """A batch: each pick takes the next entry of one of the partitions that have any left."""
        queues = [iter(entries) for entries in self.pending().values()]
        batch: list[Entry] = []
        for pick in picks:
            while queues:
                queue: Iterator[Entry] = queues[pick % len(queues)]
                if (entry := next(queue, None)) is not None:
                    batch.append(entry)
                    break
                queues.remove(queue)
        return batch

    def handled(self, tp: TopicPartition) -> int:
        return self._handled.get(tp, 0)

    def handle(self, offsets: Offsets) -> None:
        self._handled |= offsets

    def commit(self, offsets: Offsets) -> None:
        self._committed |= offsets

    def restart(self) -> None:
        """Its consumer is another one, and begins where the last one had committed."""
        self._handled = dict(self._committed)

    def set_back(self, back: int) -> bool:
        """The newest commits were lost: each partition stands up to `back` entries earlier."""
        moved = False
        for tp, entries in self._entries.items():
            done = [entry.offset for entry in entries if entry.offset < self._committed.get(tp, 0)]
            if done:
                self._committed[tp] = done[max(0, len(done) - back)]
                moved = True
        self.restart()
        return moved

    async def close(self) -> None:
        await self._source.close()


@dataclass(slots=True)
class Turn:
    """One run of a worker: what it will be given, and the end after that."""

    batch: Sequence[Entry] = ()
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self) -> Sequence[Entry]:
        batch, self.batch = self.batch, ()
        # A worker that has to wait for a neighbour is stopped instead; what it did not commit comes again.
        self.stop.set()
        return batch


class HandFedLog:
    """The real log, but for the groups that the history feeds: all whose consumers have no `start`."""

    def __init__(self, log: OperatedLog) -> None:
        self._log = log
        self.groups: dict[str, Group] = {}
        self.turn: ContextVar[Turn] = ContextVar("turn")
        self.dead_letters = 0

    async def feed(self, group: str, topics: Sequence[str]) -> None:
        """Everything of these topics belongs to the group, from the beginning of the log."""
        self.groups[group] = Group(await self._log.subscribe(f"{group}-history", topics, start={}))

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        self.dead_letters += sum(record.topic == DEAD_LETTERS for record in records)
        await self._log.append(records)

    async def subscribe(
        self, group: str, topics: Sequence[str], *, start: Offsets | None = None
    ) -> LaneSubscription:
        if start is not None:
            return await self._log.subscribe(group, topics, start=start)
        return HandFedSubscription(self.turn, self.groups[group])

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[str, int]:
        return await self._log.lag(group, topics)

    async def ends(self, topics: Sequence[str]) -> Offsets:
        return await self._log.ends(topics)

    async def offsets_at(self, topics: Sequence[str], ts_ms: int) -> Offsets:
        return await self._log.offsets_at(topics, ts_ms)

    async def offsets_of(self, group: str, topics: Sequence[str]) -> Offsets:
        return await self._log.offsets_of(group, topics)

    async def reset(self, group: str, offsets: Offsets) -> None:
        await self._log.reset(group, offsets)

    async def close(self) -> None:
        for group in self.groups.values():
            await group.close()


class HandFedSubscription:
    def __init__(self, turn: ContextVar[Turn], group: Group) -> None:
        self._turn = turn
        self.group = group

    async def poll(self, *, max_entries: int, timeout_s: float) -> Sequence[Entry]:
        return self._turn.get().take()

    async def look(self, *, max_entries: int, timeout_s: float, skip: Collection[Lane] = ()) -> Looked:
        by_lane: dict[Lane, list[Entry]] = {}
        for entry in self._turn.get().take():
            by_lane.setdefault(entry.topic_partition, []).append(entry)
        return Looked(by_lane, frozenset())

    async def commit(self, offsets: Offsets) -> None:
        """What is committed was handled; what was handled may be committed later, or once more."""
        self.group.handle({tp: max(at, self.group.handled(tp)) for tp, at in offsets.items()})
        self.group.commit(offsets)

    async def positions(self) -> Offsets:
        return {}

    async def close(self) -> None:
        """The group's part of the log outlives its consumers."""
