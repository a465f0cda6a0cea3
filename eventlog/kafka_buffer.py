"""Entries that were fetched and not given yet, by partition."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable

from eventlog.log import Entry, TopicPartition


class FetchBuffer:
    def __init__(self) -> None:
        self._waiting: dict[TopicPartition, deque[Entry]] = {}

    def add(self, tp: TopicPartition, entries: Iterable[Entry]) -> None:
        self._waiting.setdefault(tp, deque()).extend(entries)

    def first(self, tp: TopicPartition) -> Entry | None:
        waiting = self._waiting.get(tp)
        return waiting[0] if waiting else None

    def clear(self) -> None:
        self._waiting.clear()

    def waiting(self, skip: Collection[TopicPartition]) -> int:
        """Entries of the partitions that are not to be skipped."""
        return sum(len(waiting) for tp, waiting in self._waiting.items() if tp not in skip)

    def take(self, limit: int, skip: Collection[TopicPartition] = ()) -> list[Entry]:
        """The next entries: a share of each partition; who was served last comes last next time."""
        taken: list[Entry] = []
        while len(taken) < limit and (turns := [tp for tp in self._waiting if tp not in skip]):
            share = max(1, (limit - len(taken)) // len(turns))
            for tp in turns:
                if (room := limit - len(taken)) <= 0:
                    break
                waiting = self._waiting.pop(tp)
                taken += (waiting.popleft() for _ in range(min(share, room, len(waiting))))
                if waiting:
                    self._waiting[tp] = waiting
        return taken
