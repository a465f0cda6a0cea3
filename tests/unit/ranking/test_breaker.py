"""The breaker opens on what fails, is slow or says nothing, never on a few, and closes again by itself."""

from __future__ import annotations

import pytest

from ranking.breaker import Breaker, BreakerOptions, Verdict
from tests.fakes import FakeClock

OPTIONS = BreakerOptions()


class Tried:
    """A breaker on a clock of its own, and attempts that take `ms` each."""

    def __init__(self, options: BreakerOptions = OPTIONS) -> None:
        self.clock = FakeClock()
        self.breaker = Breaker(self.clock, options)

    def end(self, *verdicts: Verdict, reason: str = "features_slow", ms: int = 5) -> int:
        """How many of these were let through."""
        admitted = 0
        for verdict in verdicts:
            attempt = self.breaker.admit()
            self.clock.advance(ms)
            if attempt is not None:
                admitted += 1
                attempt.ended(verdict, reason)
        return admitted

    @property
    def state(self) -> str:
        return self.breaker.state

    def wait_open(self) -> None:
        self.clock.advance(int(OPTIONS.open_s * 1000))


def many(verdict: Verdict, times: int) -> list[Verdict]:
    return [verdict] * times


@pytest.fixture
def tried() -> Tried:
    return Tried()


@pytest.mark.parametrize("verdict", ["failed", "silent"])
def test_it_opens_where_half_of_the_last_attempts_went_wrong(verdict: Verdict, tried: Tried) -> None:
    tried.end(*many("well", 5), *many(verdict, 4))
    assert tried.state == "closed"
    tried.end(verdict)
    assert (tried.state, tried.breaker.refuses()) == ("open", "features_slow")
    assert tried.breaker.admit() is None


def test_slow_ones_count_whatever_they_came_to(tried: Tried) -> None:
    assert tried.end(*many("well", 10), ms=int(OPTIONS.slow_ms) + 1) == 10
    assert tried.breaker.refuses() == "ranking_slow"


def test_slow_and_failed_ones_count_together_and_the_more_frequent_is_the_reason(tried: Tried) -> None:
    tried.end(*many("well", 5))
    tried.end(*many("well", 2), ms=int(OPTIONS.slow_ms) + 1)
    tried.end(*many("failed", 3), reason="model_failed")
    assert tried.breaker.refuses() == "model_failed"


def test_a_few_never_open_it(tried: Tried) -> None:
    tried.end(*many("failed", OPTIONS.least - 1))
    assert tried.state == "closed"


def test_what_was_long_ago_does_not_count(tried: Tried) -> None:
    tried.end(*many("failed", 9))
    tried.clock.advance(int(OPTIONS.window_s * 1000))
    tried.end(*many("failed", 9))
    assert tried.state == "closed"


def test_many_good_ones_before_do_not_hide_what_goes_wrong_now(tried: Tried) -> None:
    tried.end(*many("well", 1_000))
    assert tried.end(*many("failed", 100)) == OPTIONS.outcomes / 2


def test_those_that_cannot_tell_are_no_witnesses_against_silent_failures(tried: Tried) -> None:
    tried.end(*many("unknown", 30), *many("silent", 9))
    assert tried.state == "closed"
    tried.end("silent")
    assert tried.state == "open"


def test_viewers_of_whom_nothing_is_known_never_open_it(tried: Tried) -> None:
    tried.end(*many("unknown", 100))
    assert tried.state == "closed"


def test_half_open_a_few_are_let_through_and_close_it(tried: Tried) -> None:
    tried.end(*many("failed", 10))
    tried.wait_open()
    assert tried.state == "half_open"
    probes = [tried.breaker.admit() for _ in range(OPTIONS.probes)]
    assert None not in probes
    assert tried.breaker.admit() is None
    for probe in probes:
        assert tried.state == "half_open"
        assert probe is not None
        probe.ended("well")
    assert (tried.state, tried.breaker.refuses()) == ("closed", None)
    # What was before is forgotten.
    tried.end(*many("failed", 9))
    assert tried.state == "closed"


@pytest.mark.parametrize(("verdict", "ms"), [("failed", 5), ("silent", 5), ("well", 101)])
def test_one_bad_probe_opens_it_again(verdict: Verdict, ms: int, tried: Tried) -> None:
    tried.end(*many("failed", 10))
    tried.wait_open()
    assert tried.end("well", verdict, "well", reason="again", ms=ms) == (1 if ms > 100 else 2)
    assert tried.state == "open"
    assert tried.breaker.refuses() == ("ranking_slow" if ms > 100 else "again")


def test_a_dropped_probe_makes_room_for_another(tried: Tried) -> None:
    tried.end(*many("failed", 10))
    tried.wait_open()
    for _ in range(10):
        attempt = tried.breaker.admit()
        assert attempt is not None
        attempt.dropped()
    assert tried.end(*many("well", 3)) == 3
    assert tried.state == "closed"


def test_what_was_under_way_when_it_opened_says_nothing_when_it_comes_back(tried: Tried) -> None:
    late = [tried.breaker.admit() for _ in range(20)]
    tried.end(*many("failed", 10))
    tried.wait_open()
    for attempt in late:
        assert attempt is not None
        attempt.ended("failed", "late")
    assert tried.state == "half_open"
    assert tried.end(*many("well", 3)) == 3
    assert tried.state == "closed"
