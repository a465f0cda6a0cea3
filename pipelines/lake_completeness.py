"""Up to when the lake has everything: what its lanes, read at different speeds, let it say.

After an outage partitions with little to catch up reach the present hours before the others, and one
without a leader gives nothing at all: the newest event that was read says nothing of those. So a table
is complete up to where the last of its lanes is that may hold more; one that holds nothing more does
not count, however old its last event is.
"""

from __future__ import annotations

from collections.abc import Mapping

from eventlog.log import Lane, Looked
from pipelines.lake_rows import TABLE_OF_TOPIC


class LakeCompleteness:
    """That of one session, which reads each lane on from where the manifest stands."""

    def __init__(self, before_ms: Mapping[str, int]) -> None:
        """`before_ms` is what the manifest says: nothing that was published before it is unread."""
        self._before_ms = dict(before_ms)
        self._newest_ms: dict[str, int] = {}
        self._read_ms: dict[Lane, int] = {}
        self._behind: frozenset[Lane] = frozenset()

    def looked(self, looked: Looked) -> None:
        """Notes what one look gave, all of which is in the next commit."""
        self._behind = looked.behind
        for lane, entries in looked.by_lane.items():
            table = TABLE_OF_TOPIC[lane.topic]
            # A lane's publication times rise with its offsets.
            self._read_ms[lane] = newest_ms = entries[-1].published_ms
            self._newest_ms[table] = max(self._newest_ms.get(table, 0), newest_ms)

    def until_ms(self) -> dict[str, int]:
        """Of the tables that had something what can be said once all that was given is in the lake.

        It may be less than was said before, of which nothing is taken back.
        """
        until_ms = dict(self._newest_ms)
        for lane in self._behind:
            if (table := TABLE_OF_TOPIC[lane.topic]) in until_ms:
                # Of a lane that gave nothing yet it is only known that it was read as far as the manifest.
                read_ms = self._read_ms.get(lane, self._before_ms.get(table, 0))
                until_ms[table] = min(until_ms[table], read_ms)
        return until_ms

    def is_beyond(self, said_ms: Mapping[str, int]) -> bool:
        """Whether there is more to say of a table than has been said."""
        return any(at_ms > said_ms.get(table, 0) for table, at_ms in self.until_ms().items())
