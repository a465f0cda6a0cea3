"""Estimates find what was put in, and say how sure they are."""

from __future__ import annotations

import numpy as np
import pytest

from simulation.arms import ARMS, Arm
from simulation.lift import mean_by_viewer, measure_lift
from simulation.visit import Visit

WORTH: dict[Arm, float] = {"chronological": 4.0, "random": 2.0, "ranked": 5.0, "oracle": 8.0}


def visits(viewers: int) -> list[Visit]:
    random = np.random.default_rng(1)
    drawn = random.gamma(4.0, 0.25, viewers)
    return [
        Visit(viewer, ARMS[viewer % 4], 10, 1, WORTH[ARMS[viewer % 4]] * float(drawn[viewer]))
        for viewer in range(viewers)
        for _ in range(2)
    ]


def test_the_lift_is_found_and_the_halves_do_not_differ() -> None:
    lift = measure_lift(visits(4_000), 4_000, seed=1)
    assert lift.lift.lo < 1.0 < lift.lift.hi
    assert lift.lift.lo > 0.0
    assert lift.aa.lo < 0.0 < lift.aa.hi
    assert abs(lift.oracle_share - 0.25) < 0.08
    assert lift.viewers == dict.fromkeys(ARMS, 1_000)
    for arm, one in lift.arms.items():
        assert one.lo < one.mean < one.hi
        assert abs(one.mean - WORTH[arm]) < 0.1 * WORTH[arm]
    assert measure_lift(visits(4_000), 4_000, seed=1) == lift


def test_sessions_of_one_viewer_are_no_second_witness() -> None:
    few = visits(200)
    once, often = measure_lift(few, 200, seed=1), measure_lift(few * 5, 200, seed=1)
    assert once.lift == pytest.approx(often.lift)


def test_an_arm_of_nobody_is_told() -> None:
    with pytest.raises(ValueError, match="two viewers"):
        measure_lift(visits(4), 4, seed=1)


def test_an_interval_of_a_mean_holds_it() -> None:
    estimate = mean_by_viewer(np.random.default_rng(2).normal(3.0, 1.0, 500), seed=1)
    assert estimate.lo < estimate.mean < estimate.hi
    assert abs(estimate.mean - 3.0) < 0.15
