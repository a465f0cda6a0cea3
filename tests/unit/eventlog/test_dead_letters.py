"""Redriving while the log comes and goes: better twice than never."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import count

import pytest

from core.errors import Unavailable
from eventlog.dead_letters import DeadLetters
from eventlog.envelope import decode_envelope
from eventlog.log import TopicPartition
from eventlog.schema import DEAD_LETTERS, EDGES, VIEWS, DeadLetter, LikeSet, record_of
from eventlog.worker import MintId
from stores.ports import OutboxRecord
from tests.fakes import FakeClock
from tests.unit.eventlog.fake_log import FakeLog


class BreakingLog(FakeLog):
    """Goes away after some appends, once."""

    _appends_left: int | None = None

    def fail_append_after(self, appends: int) -> None:
        self._appends_left = appends

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        if self._appends_left == 0:
            self._appends_left = None
            raise Unavailable("away")
        if self._appends_left is not None:
            self._appends_left -= 1
        await super().append(records)


def letters_of(log: FakeLog) -> DeadLetters:
    return DeadLetters(log, FakeClock())


def mint() -> MintId:
    ids = count(100)
    return lambda: next(ids)


def log_with_a_letter() -> BreakingLog:
    log = BreakingLog(asyncio.Event())
    letter = record_of(DeadLetter(VIEWS, 3, 9, "features", "no", 5, b"raw"), id=1, ts_ms=2, key=7)
    log.publish(DEAD_LETTERS, letter.key, letter.value)
    return log


async def test_a_redrive_that_broke_off_can_be_repeated() -> None:
    log = log_with_a_letter()
    letters = letters_of(log)
    log.fail_append_after(1)
    with pytest.raises(Unavailable):
        await letters.redrive([1], mint())
    assert await letters.redrive([1], mint()) == 1
    # The event is there at least once, and the letter was marked only after it.
    assert [record.topic for record in log.appended] == [VIEWS, VIEWS, DEAD_LETTERS]
    assert {(record.key, record.value) for record in log.appended[:2]} == {(7, b"raw")}


async def test_a_redriven_letter_waits_no_more() -> None:
    log = log_with_a_letter()
    letters = letters_of(log)
    await letters.redrive([1], mint())
    mark = log.appended[-1]
    log.publish(mark.topic, mark.key, mark.value)
    assert await letters.waiting() == []
    assert (await letters.one(1)).redriven


async def test_looking_commits_nothing() -> None:
    log = log_with_a_letter()
    await letters_of(log).all()
    assert log.committed == {}
    assert all(subscription.closed for subscription in log.subscriptions)
    assert await log.ends([DEAD_LETTERS]) == {TopicPartition(DEAD_LETTERS, 0): 1}


async def test_what_is_no_event_is_published_once_for_several_letters() -> None:
    log = log_with_a_letter()
    again = record_of(DeadLetter(VIEWS, 3, 9, "lake", "no", 1, b"raw"), id=2, ts_ms=3, key=7)
    other = record_of(DeadLetter(VIEWS, 3, 10, "lake", "no", 1, b"other"), id=3, ts_ms=3, key=7)
    for letter in (again, other):
        log.publish(DEAD_LETTERS, letter.key, letter.value)
    assert await letters_of(log).redrive([1, 2, 3], mint()) == 2
    events = [record.value for record in log.appended if record.topic == VIEWS]
    assert events == [b"raw", b"other"]
    # Each letter is marked all the same.
    assert len(log.appended) == 5


async def test_an_event_is_published_for_each_group_that_set_it_aside() -> None:
    log = BreakingLog(asyncio.Event())
    event = record_of(LikeSet(1, 2, on=True), id=5, ts_ms=1, key=2)
    for id, group in ((1, "fanout"), (2, "features"), (3, "features")):
        letter = record_of(DeadLetter(EDGES, 0, 9, group, "no", 5, event.value), id=id, ts_ms=2, key=2)
        log.publish(DEAD_LETTERS, letter.key, letter.value)
    assert await letters_of(log).redrive([1, 2, 3], mint()) == 2
    published = [decode_envelope(one.value) for one in log.appended if one.topic == EDGES]
    assert [(one.id, one.group) for one in published] == [(5, "fanout"), (5, "features")]
