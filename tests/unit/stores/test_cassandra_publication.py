"""A writer's own publication: whatever fails beside it, each entry is published once and goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from prometheus_client import REGISTRY

from core.errors import ConfigurationError, Unavailable
from stores.cassandra.outbox import CassandraOutbox, Place
from stores.cassandra.publication import Publication
from stores.ports import OutboxRecord
from tests.unit.eventlog.fake_log import FakeLog


class FakeOutbox(CassandraOutbox):
    """Keeps what was removed; `failing` holds what its next removals raise."""

    def __init__(self, *failing: Exception) -> None:
        self.failing = list(failing)
        self.removed: list[int] = []

    async def delete(self, places: Sequence[Place]) -> None:
        if self.failing:
            raise self.failing.pop(0)
        self.removed += [place.event_id for place in places]


def _place(number: int) -> Place:
    return Place(0, 0, number, b"", 0)


def _offer(publication: Publication, *numbers: int) -> None:
    for number in numbers:
        publication.offer(_place(number), [OutboxRecord("tweets.v1", number, b"")])


def _keys(log: FakeLog) -> list[int]:
    return [record.key for record in log.appended]


def _counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize(
    "failure",
    [Unavailable("away"), ConfigurationError("not allowed for a moment"), RuntimeError("the driver's own")],
)
async def test_a_removal_that_failed_is_counted_and_the_next_entries_are_published_once(
    failure: Exception,
) -> None:
    log, outbox = FakeLog(asyncio.Event()), FakeOutbox(failure)
    publication = Publication(log, outbox)
    before = _counted("rankfeed_outbox_left_total", cause="not_removed")
    for number in range(4):
        _offer(publication, number)
        await publication.settle()
    assert _keys(log) == [0, 1, 2, 3]
    assert outbox.removed == [1, 2, 3]
    assert _counted("rankfeed_outbox_left_total", cause="not_removed") - before == 1
    assert _counted("rankfeed_outbox_pending") == 0


async def test_a_removal_that_fails_while_others_are_published_does_not_stop_them() -> None:
    log, outbox = FakeLog(asyncio.Event()), FakeOutbox(RuntimeError("the driver's own"))
    publication = Publication(log, outbox)
    _offer(publication, *range(1_200))
    await publication.settle()
    assert _keys(log) == list(range(1_200))
    assert outbox.removed == list(range(500, 1_200))
