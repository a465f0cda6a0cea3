"""Reports that wait for a log that is away take only their share of the process."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from core.errors import Overloaded, Unavailable
from feed_api.reports import Reports
from stores.ports import OutboxRecord
from tests.unit.eventlog.fake_log import FakeLog

RECORD = OutboxRecord("views.v1", 1, b"x")


class HangingLog(FakeLog):
    def __init__(self) -> None:
        super().__init__(asyncio.Event())
        self.back = asyncio.Event()

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        await self.back.wait()
        await super().append(records)


async def test_those_beyond_the_bound_are_told_to_come_again_at_once() -> None:
    log = HangingLog()
    reports = Reports(log, at_once=2)
    waiting = [asyncio.create_task(reports.append([RECORD])) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await reports.append([RECORD])
    log.back.set()
    await asyncio.gather(*waiting)
    await reports.append([RECORD])
    assert log.appended == [RECORD] * 3


async def test_a_failed_one_makes_room_for_the_next() -> None:
    log = FakeLog(asyncio.Event())
    log.failing = {"append": [Unavailable("away")] * 3}
    reports = Reports(log, at_once=1)
    for _ in range(3):
        with pytest.raises(Unavailable, match="away"):
            await reports.append([RECORD])
    await reports.append([RECORD])
