"""What each arm was truly worth a session, with intervals by viewer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulation.arms import ARMS, Arm, halves_of
from simulation.draws import Floats
from simulation.visit import Visit

RESAMPLES = 2_000
_TAILS = (2.5, 97.5)


class Estimate(NamedTuple):
    """A mean and its 95 % interval."""

    mean: float
    lo: float
    hi: float

    @property
    def known(self) -> bool:
        """False where too few viewers were there to tell."""
        return not math.isnan(self.mean)


class Lift(NamedTuple):
    """Utility a session by arm; `lift` is ranked less chronological, `aa` one half of chronological less
    the other; `oracle_share` is the lift as a share of the oracle's, NaN where that one is not clearly
    above 0: too few viewers tell nothing of shares."""

    arms: Mapping[Arm, Estimate]
    lift: Estimate
    aa: Estimate
    oracle_share: float
    viewers: Mapping[Arm, int]


def measure_lift(visits: Sequence[Visit], viewers: int, seed: int) -> Lift:
    """Viewers are resampled within their arm, each with all of their sessions (percentile bootstrap).

    Raises ValueError where an arm has fewer than two viewers.
    """
    total, sessions = np.zeros(viewers), np.zeros(viewers)
    arm = np.full(viewers, -1)
    for visit in visits:
        total[visit.viewer] += visit.utility
        sessions[visit.viewer] += 1.0
        arm[visit.viewer] = ARMS.index(visit.arm)
    random = np.random.default_rng(seed)
    half = halves_of(seed, viewers)

    def resampled(members: NDArray[np.bool_]) -> Floats:
        """The ratio of sums: float64 [1 + RESAMPLES], the first of them as it was."""
        rows = np.flatnonzero(members)
        if len(rows) < 2:
            raise ValueError("an arm needs two viewers: simulate more of them")
        drawn = np.concatenate([rows[None, :].repeat(1, 0), random.choice(rows, (RESAMPLES, len(rows)))])
        return np.asarray(total[drawn].sum(axis=1) / sessions[drawn].sum(axis=1), np.float64)

    of = {name: resampled(arm == place) for place, name in enumerate(ARMS)}
    in_time_order = arm == ARMS.index("chronological")
    one, other = resampled(in_time_order & half), resampled(in_time_order & ~half)
    lift = _estimate(of["ranked"] - of["chronological"])
    possible = _estimate(of["oracle"] - of["chronological"])
    return Lift(
        {name: _estimate(values) for name, values in of.items()},
        lift,
        _estimate(one - other),
        lift.mean / possible.mean if possible.lo > 0 else math.nan,
        {name: int((arm == place).sum()) for place, name in enumerate(ARMS)},
    )


def _estimate(values: Floats) -> Estimate:
    lo, hi = np.percentile(values[1:], _TAILS)
    return Estimate(float(values[0]), float(lo), float(hi))


def mean_by_viewer(values: Floats, seed: int) -> Estimate:
    """Of one number a viewer, float64 [n]; NaN of nobody."""
    if not len(values):
        return Estimate(math.nan, math.nan, math.nan)
    drawn = np.random.default_rng(seed).choice(values, (RESAMPLES, len(values))).mean(axis=1)
    return _estimate(np.concatenate([[values.mean()], drawn]))
