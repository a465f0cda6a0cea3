"""Stages add up in the order in which they began, whatever becomes of them."""

from __future__ import annotations

import pytest

from core.timings import Timings
from tests.fakes import FakeClock


class Observed:
    def __init__(self) -> None:
        self.seconds: list[float] = []

    def observe(self, amount: float) -> None:
        self.seconds.append(amount)


def test_stages_add_up_and_whoever_observes_is_told_of_each() -> None:
    clock, observed = FakeClock(), Observed()
    timings = Timings(clock)
    with timings.measure("outer"):
        with timings.measure("inner", observed):
            clock.advance(2)
        clock.advance(3)

    def fails() -> None:
        with timings.measure("inner", observed):
            clock.advance(4)
            raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        fails()
    assert [name for name, _ in timings.items()] == ["outer", "inner"]
    assert [ms for _, ms in timings.items()] == pytest.approx([5, 6])
    assert observed.seconds == pytest.approx([0.002, 0.004])


def test_what_was_left_after_a_stage_is_told_in_the_order_of_stages() -> None:
    timings = Timings(FakeClock())
    timings.count("hydrate", 200)
    timings.count("muted", 187)
    assert timings.counts() == [("hydrate", 200), ("muted", 187)]
