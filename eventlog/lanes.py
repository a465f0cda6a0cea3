"""One lane of a merge: what its entries' places in time are, and how far it has come.

An entry's place is its own time, but for two kinds. One that says to be from after its publication
counts as of that. One that is behind its lane by more than `slack_ms` is late, and comes after all
that the lane gave before. So a lane says from what it has given which places cannot come any more,
and an entry's place depends on the lane only, never on how the lane was cut into reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from core.errors import Corrupt
from eventlog.envelope import decode_envelope
from eventlog.log import Entry, Lane

NEVER_MS = -(2**62)
"""Before every place."""


class Waiting(NamedTuple):
    """An entry in its place: `place_ms` and `id` order all of a merge.

    `turn` is its number within its lane.
    """

    place_ms: int
    id: int
    lane: int
    turn: int
    ts_ms: int
    read_s: float
    entry: Entry


class LaneReader:
    """`number` is the lane's among those of one merge; `reached_ms` where it was left before."""

    def __init__(self, lane: Lane, number: int, slack_ms: int, reached_ms: int, now_s: float) -> None:
        self.lane = lane
        self.number = number
        self.reached_ms = reached_ms
        """The newest time in it, as of its publication."""
        self.heard_s = now_s
        """When it last gave something, or was known to hold nothing more."""
        self.given = 0
        """How many of its entries have left the merge."""
        self._slack_ms = slack_ms
        self._turn = 0

    @property
    def bound_ms(self) -> int:
        """No entry to come has a place before it."""
        return self.reached_ms - self._slack_ms

    def take(self, entries: Iterable[Entry], now_s: float) -> list[Waiting]:
        """The next entries of the lane, each in its place; what is no event goes with the one before."""
        self.heard_s = now_s
        placed = []
        for entry in entries:
            try:
                envelope = decode_envelope(entry.value)
            except Corrupt:
                ts_ms, id = self.reached_ms, 0
            else:
                ts_ms, id = envelope.ts_ms, envelope.id
            place_ms = ts_ms if ts_ms < entry.published_ms else entry.published_ms
            if place_ms > self.reached_ms:
                self.reached_ms = place_ms
            elif place_ms < self.reached_ms - self._slack_ms:
                place_ms = self.reached_ms
            placed.append(Waiting(place_ms, id, self.number, self._turn, ts_ms, now_s, entry))
            self._turn += 1
        return placed
