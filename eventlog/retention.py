"""How long the log keeps what was published, by the log's own clock."""

from __future__ import annotations

from eventlog.schema import DEAD_LETTERS

DAY_MS = 24 * 3_600_000


def retention_ms(topic: str) -> int:
    # Of dead letters longer: somebody has to look at them first.
    return 90 * DAY_MS if topic == DEAD_LETTERS else 7 * DAY_MS
