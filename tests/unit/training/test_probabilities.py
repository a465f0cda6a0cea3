"""Log loss and calibration against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss

from training.probabilities import reliability
from training.resampling import Resamples, estimate


def test_what_happens_as_often_as_it_was_said_is_calibrated() -> None:
    random = np.random.default_rng(1)
    said = random.random(30_000)
    happened = random.random(30_000) < said
    resamples = Resamples(random.integers(0, 3_000, 30_000), seed=1)
    good = reliability(happened, said, np.arange(30_000), resamples)
    assert good.log_loss[0] == pytest.approx(log_loss(happened, said))
    assert good.error[0] < 0.02
    ratio = estimate(good.ratio)
    assert ratio.lo is not None
    assert ratio.hi is not None
    assert ratio.lo < 1.0 < ratio.hi
    assert len(good.curve) == 15
    assert sum(one.rows for one in good.curve) == 30_000
    assert [one.predicted for one in good.curve] == sorted(one.predicted for one in good.curve)


def test_what_is_said_twice_as_often_as_it_happens_is_off_by_so_much() -> None:
    random = np.random.default_rng(2)
    said = random.random(20_000)
    happened = random.random(20_000) < said / 2
    bad = reliability(happened, said, np.arange(20_000), Resamples(np.arange(20_000), seed=1, count=3))
    assert bad.ratio[0] == pytest.approx(2.0, abs=0.05)
    assert bad.error[0] == pytest.approx(0.25, abs=0.02)


def test_a_constant_has_one_bin_and_certainty_a_finite_loss() -> None:
    happened = np.array([True, False, False, False])
    rows, resamples = np.arange(4), Resamples(np.arange(4), seed=1, count=10)
    constant = reliability(happened, np.full(4, 0.25), rows, resamples)
    assert [(one.rows, one.predicted, one.happened.value) for one in constant.curve] == [(4, 0.25, 0.25)]
    assert constant.error[0] == 0.0
    assert np.isfinite(reliability(happened, np.array([0.0, 1.0, 0.0, 0.0]), rows, resamples).log_loss).all()
