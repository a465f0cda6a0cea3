"""How many events are handled at once: a neighbour that is slow is given less, until it keeps up."""

from __future__ import annotations


class Stride:
    """At most `most`: half as many after each part that was too much, twice as many after another."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.events = most

    def shorten(self, tried: int) -> None:
        """So many were too much, or the neighbour is away: that cannot be told apart."""
        self.events = max(1, min(self.events, tried) // 2)

    def lengthen(self) -> None:
        self.events = min(self._most, 2 * self.events)
