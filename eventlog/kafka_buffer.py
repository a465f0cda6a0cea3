"""Entries that were fetched and not given yet, by partition."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from eventlog.log import Entry, TopicPartition


class FetchBuffer:
    def __init__(self) -> None:
        self._waiting: dict[TopicPartition, deque[Entry]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def add(self, tp: TopicPartition, entries: Iterable[Entry]) -> None:
        self._waiting.setdefault(tp, deque()).extend(entries)

    def first(self, tp: TopicPartition) -> Entry | None:
        waiting = self._waiting.get(tp)
        return waiting[0] if waiting else None

    def clear(self) -> None:
        self._waiting.clear()

    def take(self, limit: int) -> list[Entry]:
        """The next entries: a share of each partition; who was served last comes last next time."""
        taken: list[Entry] = []
        while self._waiting and len(taken) < limit:
            share = max(1, (limit - len(taken)) // len(self._waiting))
            for tp in tuple(self._waiting):
                if (room := limit - len(taken)) <= 0:
                    break
                waiting = self._waiting.pop(tp)
                taken += (waiting.popleft() for _ in range(min(share, room, len(waiting))))
                if waiting:
                    self._waiting[tp] = waiting
        return taken
