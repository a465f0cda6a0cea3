"""A change is written above what stands, a bounded number of times and never above what ids can hold."""

from __future__ import annotations

import pytest

from core.errors import Corrupt, Unavailable
from core.ids import ID_UNITS_A_MS, MAX_ID, SnowflakeGenerator, compose_id, id_time_ms
from eventlog.envelope import decode_envelope
from eventlog.schema import MuteSet, decode_event
from feed_api.versions import TRIES, Moment, change
from stores.ports import IdempotentAnswer, Written
from tests.fakes import FakeClock

NOW_MS = 1_700_000_000_000
AHEAD = compose_id(NOW_MS + 2_000, 1, 2, 7)
FIRST = IdempotentAnswer("k", "r", b"", b"", 1)


class Edge:
    """What stands in a store: every write below `ver` is behind; `others` change it before each write."""

    def __init__(self, ver: int, others: int = 0) -> None:
        self.ver = ver
        self.moments: list[Moment] = []
        self._others = others

    async def write(self, moment: Moment) -> Written:
        self.moments.append(moment)
        if self._others:
            self._others -= 1
            self.ver = max(self.ver, moment.ver) + ID_UNITS_A_MS
        if moment.ver <= self.ver:
            return Written(False, behind=self.ver)
        self.ver = moment.ver
        return Written(True)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW_MS)


@pytest.fixture
def ids(clock: FakeClock) -> SnowflakeGenerator:
    return SnowflakeGenerator(1, 1, clock, lambda: 1e18)


async def test_what_is_newest_by_the_clock_is_written_once_under_its_own_id(ids: SnowflakeGenerator) -> None:
    edge = Edge(0)
    written, moment = await change(ids.mint, edge.write)
    assert written == Written(True)
    assert edge.moments == [moment]
    assert moment.id == moment.ver
    assert moment.at_ms == NOW_MS


async def test_what_a_clock_ahead_has_written_is_written_over(ids: SnowflakeGenerator) -> None:
    edge = Edge(AHEAD)
    written, moment = await change(ids.mint, edge.write)
    assert written == Written(True)
    assert len(edge.moments) == 2
    # Above it by a millisecond: between them is where a block ends a follow.
    assert moment.ver == edge.ver == AHEAD + ID_UNITS_A_MS
    # It happened now, whatever its version says, and no other event has its id.
    assert moment.at_ms == NOW_MS
    assert len({one.id for one in edge.moments}) == 2


async def test_a_clock_that_was_set_back_goes_on_above(clock: FakeClock) -> None:
    edge = Edge(0)
    clock.advance(3_600_000)
    # Before it was set back the process had another generator: it was started again since.
    await change(SnowflakeGenerator(1, 1, clock, lambda: 1e18).mint, edge.write)
    clock.step_wall(-3_600_000)
    later = SnowflakeGenerator(1, 2, clock, lambda: 1e18)
    for _ in range(3):
        before = edge.ver
        written, moment = await change(later.mint, edge.write)
        assert written.changed
        assert moment.ver > before
        clock.advance(1_000)
    assert id_time_ms(edge.ver) == NOW_MS + 3_600_003


async def test_others_who_change_the_same_are_outlasted_but_not_for_ever(ids: SnowflakeGenerator) -> None:
    edge = Edge(AHEAD, others=TRIES - 1)
    assert (await change(ids.mint, edge.write))[0].changed
    with pytest.raises(Unavailable):
        await change(ids.mint, Edge(AHEAD, others=TRIES).write)


async def test_what_a_key_was_used_for_ends_it(ids: SnowflakeGenerator) -> None:
    async def used(moment: Moment) -> Written:
        return Written(False, FIRST)

    assert (await change(ids.mint, used))[0] == Written(False, FIRST)


async def test_no_version_is_above_what_ids_can_hold(ids: SnowflakeGenerator) -> None:
    edge = Edge(MAX_ID - 2 * ID_UNITS_A_MS)
    # A block may have to end it one above.
    assert (await change(ids.mint, edge.write))[1].ver == MAX_ID - ID_UNITS_A_MS
    with pytest.raises(Corrupt):
        await change(ids.mint, edge.write)
    assert edge.ver == MAX_ID - ID_UNITS_A_MS


def test_an_event_carries_the_version_and_is_of_now() -> None:
    moment = Moment(compose_id(NOW_MS, 1, 1, 0), AHEAD)
    record = moment.record(MuteSet(3, 4, True), 3)
    envelope = decode_envelope(record.value)
    assert (envelope.id, envelope.ts_ms, envelope.ver) == (moment.id, NOW_MS, AHEAD)
    assert decode_event(envelope) == MuteSet(3, 4, True)
