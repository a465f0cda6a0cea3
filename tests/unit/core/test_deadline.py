"""Deadlines: what is left, never negative, and each stage's own share of it."""

from __future__ import annotations

import pytest

from core.deadline import Deadline
from tests.fakes import FakeClock


def test_what_is_left_shrinks_with_the_clock() -> None:
    clock = FakeClock()
    deadline = Deadline.after_ms(200, clock)
    assert deadline.remaining_s() == pytest.approx(0.2)
    clock.advance(150)
    assert deadline.remaining_s() == pytest.approx(0.05)


def test_nothing_is_left_after_it_and_never_less_than_nothing() -> None:
    clock = FakeClock()
    deadline = Deadline.after_ms(200, clock)
    clock.advance(200)
    assert deadline.remaining_s() == pytest.approx(0.0)
    clock.advance(10_000)
    assert deadline.remaining_s() == 0.0


def test_a_stage_gets_its_own_budget_or_what_is_left_of_the_request() -> None:
    clock = FakeClock()
    deadline = Deadline.after_ms(200, clock)
    assert deadline.remaining_s(at_most_ms=30) == pytest.approx(0.03)
    clock.advance(190)
    assert deadline.remaining_s(at_most_ms=30) == pytest.approx(0.01)


def test_a_wall_clock_that_is_set_does_not_move_it() -> None:
    clock = FakeClock()
    deadline = Deadline.after_ms(200, clock)
    clock.step_wall(-3_600_000)
    assert deadline.remaining_s() == pytest.approx(0.2)
