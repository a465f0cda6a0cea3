"""The factor falls where scoring is slow or finds no place, and is back in time where that is over."""

from __future__ import annotations

import pytest

from ranking.quality import BUSY, SLOW, Quality, QualityOptions
from tests.fakes import FakeClock

OPTIONS = QualityOptions()
PERIOD_MS = int(OPTIONS.period_s * 1000)


class Under:
    """A quality under load: periods of so many scorings that take so long."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.quality = Quality(self.clock, OPTIONS)

    def period(self, *took_ms: float, turned_away: int = 0) -> float:
        for one in took_ms:
            self.quality.scored(one)
        for _ in range(turned_away):
            self.quality.turned_away()
        self.clock.advance(PERIOD_MS)
        return self.quality.factor


@pytest.fixture
def under() -> Under:
    return Under()


def test_it_stays_whole_while_there_is_time(under: Under) -> None:
    assert {under.period(*[OPTIONS.target_ms] * 20) for _ in range(50)} == {1.0}


def test_slow_scoring_lowers_it_to_the_least_and_no_further(under: Under) -> None:
    factors = [under.period(*[OPTIONS.target_ms + 1] * 20) for _ in range(20)]
    assert factors[0] == OPTIONS.down
    assert factors == sorted(factors, reverse=True)
    assert factors[-1] == OPTIONS.least
    assert under.quality.reason == SLOW


def test_those_who_find_no_place_lower_it(under: Under) -> None:
    assert under.period(*[1.0] * 90, turned_away=10) == 1.0
    assert under.period(*[1.0] * 80, turned_away=10) == OPTIONS.down
    assert under.quality.reason == BUSY


def test_a_few_slow_ones_say_nothing(under: Under) -> None:
    assert under.period(1_000.0, 1_000.0) == 1.0
    assert under.period(turned_away=2) == 1.0


def test_it_comes_back_step_by_step_under_load_and_without(under: Under) -> None:
    for load in ([1.0] * 20, []):
        while under.period(*[100.0] * 20) > OPTIONS.least:
            pass
        factors = [under.period(*load) for _ in range(19)]
        assert factors == sorted(factors)
        assert factors[0] == pytest.approx(OPTIONS.least + OPTIONS.up)
        assert factors[-1] == 1.0


def test_a_pause_counts_as_much_as_it_lasted(under: Under) -> None:
    while under.period(*[100.0] * 20) > OPTIONS.least:
        pass
    under.clock.advance(6 * PERIOD_MS)
    assert under.quality.factor == pytest.approx(OPTIONS.least + 6 * OPTIONS.up)
    under.clock.advance(3_600_000)
    assert under.quality.factor == 1.0
