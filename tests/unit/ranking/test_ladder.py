"""Where a ranked feed begins, and what is said of every change."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from ranking.breaker import STATES, BreakerOptions
from ranking.ladder import Ladder, LadderOptions, Rung
from ranking.quality import BUSY, QualityOptions
from ranking.silent_failures import Finding
from ranking.stages import StageFailed
from tests.fakes import FakeClock

BREAKER, QUALITY = BreakerOptions(), QualityOptions()


class Climbed:
    def __init__(self, *, candidates: int = 200, fewest: int = 20) -> None:
        self.clock = FakeClock()
        self.ladder = Ladder(self.clock, LadderOptions(candidates, fewest))

    def score(self, *, ms: int = 5, reason: str | None = None, found: Finding | None = None) -> None:
        """One scoring; a failure is told, not raised."""
        with contextlib.suppress(StageFailed), self.ladder.trial() as trial:
            self.clock.advance(ms)
            if reason is not None:
                raise StageFailed("features", reason)
            if found is not None:
                trial.found = found

    def crowd_out(self) -> None:
        """Nobody finds a place for a period."""
        for _ in range(QUALITY.few):
            self.ladder.turned_away()
        self.clock.advance(int(QUALITY.period_s * 1000))


@pytest.fixture
def climbed() -> Climbed:
    return Climbed()


def test_it_begins_at_the_top(climbed: Climbed) -> None:
    assert climbed.ladder.now() == Rung("full", 200)


def test_there_are_fewer_candidates_where_there_is_no_place_and_all_again_later(climbed: Climbed) -> None:
    climbed.crowd_out()
    assert climbed.ladder.now() == Rung("fewer", 140, BUSY)
    for _ in range(20):
        climbed.crowd_out()
    assert climbed.ladder.now() == Rung("fewer", 20, BUSY)
    climbed.clock.advance(5_000)
    assert climbed.ladder.now() == Rung("full", 200)


def test_there_are_never_more_than_all() -> None:
    climbed = Climbed(candidates=10, fewest=20)
    climbed.crowd_out()
    assert climbed.ladder.now() == Rung("full", 10)


@pytest.mark.parametrize("reason", ["features_unavailable", "features_slow", "model_failed"])
def test_failures_take_both_upper_rungs_away_until_a_few_went_well(reason: str, climbed: Climbed) -> None:
    for _ in range(BREAKER.least):
        climbed.score(reason=reason)
    assert climbed.ladder.now() == Rung("cached", 0, reason)
    with pytest.raises(StageFailed) as caught, climbed.ladder.trial():
        raise AssertionError("it was let through")
    assert (caught.value.stage, caught.value.reason) == ("breaker", reason)
    assert REGISTRY.get_sample_value("rankfeed_breaker_state") == STATES.index("open")
    climbed.clock.advance(int(BREAKER.open_s * 1000))
    assert climbed.ladder.now().name == "full"
    assert REGISTRY.get_sample_value("rankfeed_breaker_state") == STATES.index("half_open")
    for _ in range(BREAKER.probes):
        climbed.score()
    assert REGISTRY.get_sample_value("rankfeed_breaker_state") == STATES.index("closed")
    assert climbed.ladder.now() == Rung("full", 200)


def test_silent_failures_do_so_too(climbed: Climbed) -> None:
    for _ in range(BREAKER.least):
        climbed.score(found=Finding("silent", "features_thin"))
    assert climbed.ladder.now() == Rung("cached", 0, "features_thin")


@pytest.mark.parametrize("reason", ["no_model", "model_refused", "objective_misfit"])
def test_what_is_no_fault_of_features_and_model_never_opens_it(reason: str, climbed: Climbed) -> None:
    for _ in range(100):
        climbed.score(reason=reason)
    assert climbed.ladder.now().name == "full"


def test_a_request_that_is_cancelled_says_nothing(climbed: Climbed) -> None:
    for _ in range(100):
        with contextlib.suppress(asyncio.CancelledError), climbed.ladder.trial():
            climbed.clock.advance(1_000)
            raise asyncio.CancelledError
    assert climbed.ladder.now().name == "full"


def test_every_change_is_counted_and_logged_once(climbed: Climbed) -> None:
    def count(to: str, reason: str) -> float:
        labels = {"to": to, "reason": reason}
        return REGISTRY.get_sample_value("rankfeed_ladder_transitions_total", labels) or 0.0

    before = count("fewer", BUSY), count("full", "")
    with capture_logs() as logs:
        for _ in range(3):
            climbed.crowd_out()
            climbed.ladder.now()
        assert REGISTRY.get_sample_value("rankfeed_ladder_rung") == 1
        climbed.clock.advance(10_000)
        # A scrape is enough.
        assert REGISTRY.get_sample_value("rankfeed_ladder_rung") == 0
        assert REGISTRY.get_sample_value("rankfeed_ladder_quality") == 1
        climbed.ladder.now()
    assert (count("fewer", BUSY), count("full", "")) == (before[0] + 1, before[1] + 1)
    assert [(one["event"], one["was"], one["now"], one["reason"]) for one in logs] == [
        ("ladder_changed", "full", "fewer", BUSY),
        ("ladder_changed", "fewer", "full", None),
    ]
