"""A log that is shorter than what a consumer had of it: entries are gone, and nobody else says so."""

from __future__ import annotations

import structlog
from prometheus_client import Counter

from eventlog.log import Offsets, TopicPartition

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
