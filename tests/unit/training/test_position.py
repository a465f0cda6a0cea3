"""What a place adds once item and reader are taken off; nothing where nobody knows the place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.schema import FEATURES
from training.position import PLACES, at_places, position_offsets

N = 40_000


def inputs_of(tweet_rates: NDArray[np.float64], name: str = "click") -> NDArray[np.float32]:
    inputs = np.full((len(tweet_rates), len(FEATURES)), 0.1, np.float32)
    inputs[:, FEATURES.index(f"t.{name}_rate_30d")] = tweet_rates
    return inputs


def logit(rate: float) -> float:
    return float(np.log(rate / (1 - rate)))


def test_a_place_that_helps_has_an_offset_and_one_that_nobody_saw_has_none() -> None:
    random = np.random.default_rng(1)
    places = random.integers(0, 4, N).astype(np.int32)
    happened = random.random(N) < np.where(places == 0, 0.3, 0.1)
    offsets = position_offsets("click", inputs_of(np.full(N, 0.1)), happened, places)
    assert offsets.shape == (PLACES + 1,)
    assert abs(offsets[0] - offsets[1] - (logit(0.3) - logit(0.1))) < 0.15
    # The mean over what was seen is 0: so is a place that is not known.
    assert abs(np.bincount(places, minlength=PLACES + 1) @ offsets) < 1e-6 * N
    assert at_places(offsets, np.array([-1, 0, 3, 400], np.int32)).tolist() == [
        0.0,
        offsets[0],
        offsets[3],
        offsets[PLACES],
    ]


def test_better_items_on_top_are_not_the_place_s_doing() -> None:
    random = np.random.default_rng(2)
    rates = np.sort(random.random(N) * 0.6)[::-1]
    places = np.repeat(np.arange(4), N // 4).astype(np.int32)
    happened = random.random(N) < rates
    offsets = position_offsets("click", inputs_of(rates), happened, places)
    raw = [happened[places == place].mean() for place in (0, 3)]
    assert logit(raw[0]) - logit(raw[1]) > 2.0
    assert abs(offsets[0] - offsets[3]) < 0.3


def test_dwell_looks_at_long_ones_and_few_rows_say_little() -> None:
    random = np.random.default_rng(3)
    places = np.r_[np.zeros(5_000), np.ones(4)].astype(np.int32)
    happened = np.r_[random.random(5_000) < 0.2, np.ones(4, np.bool_)]
    offsets = position_offsets("dwell", inputs_of(np.full(5_004, 0.1), "long_dwell"), happened, places)
    assert 0.0 < offsets[1] - offsets[0] < 0.2


def test_without_places_or_with_one_only_there_is_no_offset() -> None:
    happened = np.arange(10) % 2 == 0
    for place in (-1, 3):
        offsets = position_offsets(
            "click", inputs_of(np.full(10, 0.1)), happened, np.full(10, place, np.int32)
        )
        assert not offsets.any()
