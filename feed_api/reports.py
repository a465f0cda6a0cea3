"""What clients report, on its way to the log: not so much of it at once that feeds would suffer."""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import Overloaded
from eventlog.log import EventLog
from stores.ports import OutboxRecord

AT_ONCE = 128
"""Requests that wait for the log. While it is away each waits for 10 s, and all requests together have
`max_concurrent_requests` places: the others are for those who read."""


class Reports:
    def __init__(self, log: EventLog, *, at_once: int = AT_ONCE) -> None:
        self._log = log
        self._at_once = at_once
        self._under_way = 0

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        """Returns once they are durable; Overloaded at once where too many wait, else as the log."""
        if self._under_way >= self._at_once:
            raise Overloaded(f"{self._under_way} reports wait for the log")
        self._under_way += 1
        try:
            await self._log.append(records)
        finally:
            self._under_way -= 1
