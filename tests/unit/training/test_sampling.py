"""Every positive, and a share of the negatives where there are too many."""

from __future__ import annotations

import numpy as np
import pytest

from training.sampling import keep_negatives, kept_rate


@pytest.mark.parametrize(
    ("rows", "positives", "rate"),
    [
        (100, 10, 1.0),
        (101, 10, 90 / 91),
        (1_000, 10, 90 / 990),
        # Never fewer negatives than positives.
        (1_000, 90, 90 / 910),
        (1_000, 600, 1.0),
    ],
)
def test_the_share_of_negatives_that_is_kept(rows: int, positives: int, rate: float) -> None:
    assert kept_rate(rows, positives, most=100) == rate


def test_positives_stay_and_the_order_too() -> None:
    rows = np.arange(10, 1_010)
    positive = np.arange(1_000) % 10 == 0
    kept = keep_negatives(rows, positive, 0.25, seed=1)
    assert kept.tolist() == sorted(set(kept.tolist()))
    assert set(rows[positive].tolist()) <= set(kept.tolist())
    assert len(kept) == 100 + 225
    assert kept.tolist() == keep_negatives(rows, positive, 0.25, seed=1).tolist()
    assert kept.tolist() != keep_negatives(rows, positive, 0.25, seed=2).tolist()
    assert keep_negatives(rows, positive, 1.0, seed=1) is rows
