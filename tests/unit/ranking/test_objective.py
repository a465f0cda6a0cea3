"""Weights over heads: bounds are kept, misfits are named, and the sum does not depend on the batch."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigurationError
from ranking.objective import ENGAGEMENT, Objective, Weight, utility, weights_for

HEADS = ("click", "like", "hide")


def _objective(**weights: Weight) -> Objective:
    return Objective(1, "mine", 3, "me", "because", weights)


def test_heads_that_are_not_named_weigh_nothing() -> None:
    assert weights_for(_objective(hide=Weight(-2.0)), HEADS).tolist() == [0.0, 0.0, -2.0]
    assert weights_for(ENGAGEMENT, ("click",)).tolist() == [1.0]


@pytest.mark.parametrize(
    "weight", [Weight(math.nan), Weight(math.inf), Weight(11.0), Weight(-0.5, min=0.0), Weight(2.0, max=1.0)]
)
def test_a_weight_out_of_its_bounds_is_refused(weight: Weight) -> None:
    with pytest.raises(ConfigurationError, match=r"mine@3.*'click'"):
        weights_for(_objective(click=weight), HEADS)


def test_a_head_that_the_model_lacks_is_named() -> None:
    with pytest.raises(ConfigurationError, match="weighs the head 'share'; the model has click, like, hide"):
        weights_for(_objective(share=Weight(1.0)), HEADS)


@given(
    rows=st.lists(st.tuples(*[st.floats(0, 1, width=32)] * 3), min_size=1, max_size=40),
    weights=st.tuples(*[st.floats(-10, 10)] * 3),
)
def test_a_row_has_the_same_bits_in_any_batch(
    rows: list[tuple[float, ...]], weights: tuple[float, ...]
) -> None:
    heads = np.array(rows, np.float32)
    weighed = np.array(weights, np.float64)
    together = utility(heads, weighed)
    alone = [utility(heads[place : place + 1], weighed)[0] for place in range(len(rows))]
    assert together.tobytes() == np.array(alone, np.float64).tobytes()


def test_the_sum_is_made_in_float64() -> None:
    heads = np.array([[0.1, 0.2, 0.3]], np.float32)
    expected = sum(
        float(np.float32(value)) * weight for value, weight in ((0.1, 1e-9), (0.2, 1.0), (0.3, 1.0))
    )
    assert utility(heads, np.array([1e-9, 1.0, 1.0])).tolist() == [expected]
