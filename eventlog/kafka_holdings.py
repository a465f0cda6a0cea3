"""What one consumer holds of its group's partitions, and what it was given of them.

The only thing that Kafka's thread and the caller's share: a rebalance begins in one while a batch is
handed over in the other.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from eventlog.log import Entry, Offsets, TopicPartition, next_offsets


class Batch(NamedTuple):
    """What one fetch found, and in which division of the group.

    `behind` are the partitions that may hold more, where that was asked for.
    """

    generation: int
    entries: Sequence[Entry]
    behind: frozenset[TopicPartition] = frozenset()


class Holdings:
    """Every method is safe in either thread; a generation lasts from one rebalance to the next."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.generation = 0
        self.revoking = False
        self.held: frozenset[TopicPartition] = frozenset()
        self._given: dict[TopicPartition, int] = {}
        self._given_up: set[TopicPartition] = set()

    def accept(self, batch: Batch) -> bool:
        """Hands a batch over; False where a rebalance has taken its partitions away meanwhile."""
        with self._lock:
            if batch.generation != self.generation or self.revoking:
                return False
            given = next_offsets(batch.entries)
            self._given |= given
            self._given_up -= given.keys()
            return True

    def still_ours(self, offsets: Offsets) -> dict[TopicPartition, int]:
        """Those that are worth a commit: of partitions that were held since their entries were given."""
        with self._lock:
            return {tp: offsets[tp] for tp in offsets.keys() & (self.held - self._given_up)}

    def committed(self, offsets: Offsets) -> bool:
        """Notes a commit; whether nothing is under way any more."""
        with self._lock:
            for tp, next_ in offsets.items():
                if self._given.get(tp, next_ + 1) <= next_:
                    del self._given[tp]
            return not self._given

    def begin_revoking(self) -> bool:
        """Nothing is handed over from here on; whether something is still under way."""
        with self._lock:
            self.revoking = True
            self.generation += 1
            return bool(self._given)

    def let_go(self) -> int:
        """Gives everything up; the number of partitions that had something under way."""
        with self._lock:
            self.held = frozenset()
            return self._give_up()

    def start_anew(self) -> None:
        """The connection was lost, not the partitions: what is under way does not count any more."""
        with self._lock:
            self.generation += 1
            self._give_up()

    def take(self, partitions: Iterable[TopicPartition]) -> None:
        with self._lock:
            self.held = frozenset(partitions)
            self.revoking = False

    def _give_up(self) -> int:
        under_way = len(self._given)
        self._given_up |= self._given.keys()
        self._given.clear()
        return under_way
