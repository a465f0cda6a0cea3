"""A log that is shorter than what a consumer had of it: entries are gone, and nobody else says so."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from prometheus_client import Counter

from eventlog.log import Entry, Offsets, TopicPartition

SHORTER = Counter(
    "rankfeed_log_shorter_total", "Partitions that held less than a consumer had had of them", ["group"]
)

_logger = structlog.get_logger("log")


def tell_shorter(group: str, wanted: Offsets, ends: Offsets) -> set[TopicPartition]:
    """The partitions that end below what `group` wants next; said where there are any."""
    shorter = {tp for tp, next_ in wanted.items() if next_ > ends.get(tp, next_)}
    if shorter:
        SHORTER.labels(group).inc(len(shorter))
        _logger.error(
            "log_is_shorter",
            group=group,
            partitions=sorted(f"{topic}/{partition}" for topic, partition in shorter)[:5],
            count=len(shorter),
            error="it was made anew, put back from a copy, or lost its end; what it held is gone, "
            "the group goes on with what comes",
        )
    return shorter


class OwnStart:
    """Where a consumer wanted to start by its own offsets, until its log shows that it is another one.

    The distributed log has no clock in its offsets: where it lost what the consumer wanted it begins at
    its oldest entry. No log gives anything from below a start otherwise.
    """

    def __init__(self, group: str, start: Offsets) -> None:
        self._group = group
        self._wanted = dict(start)

    def first_below(self, entries: Sequence[Entry]) -> list[Entry]:
        """Of each partition that gives something from below, its first entry; once a partition, and said."""
        first: dict[TopicPartition, Entry] = {}
        for entry in entries:
            if entry.offset < self._wanted.get(tp := entry.topic_partition, 0):
                first.setdefault(tp, entry)
        if first:
            tell_shorter(self._group, self._wanted, {tp: entry.offset for tp, entry in first.items()})
        for tp in first:
            del self._wanted[tp]
        return list(first.values())
