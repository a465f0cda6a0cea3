"""Weights over heads: bounds are kept, misfits are named, and the sum does not depend on the batch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.errors import ConfigurationError
from core.ids import compose_id
from ranking.objective import (
    ENGAGEMENT,
    MOST_HALF_LIVES,
    FreshnessDecay,
    Objective,
    Seen,
    Terms,
    Weight,
    ages_s,
    check,
    terms,
    utility,
    weights_for,
)

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
        check(_objective(share=Weight(1.0)), HEADS)


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


# -- what multiplies it ------------------------------------------------------------------------------

HOUR_S = 3_600.0
MULTIPLIED = replace(
    _objective(click=Weight(2.0), hide=Weight(-4.0)),
    freshness=FreshnessDecay(HOUR_S),
    source_factor={"popular": 0.5},
)


def _terms(
    objective: Objective,
    rows: list[tuple[float, ...]],
    ages: list[float],
    sources: list[str],
    looked_at: Sequence[bool] | None = None,
) -> Terms:
    looks = None if looked_at is None else np.array(looked_at, np.bool_)
    return terms(objective, HEADS, np.array(rows, np.float32), np.array(ages), sources, looks)


def test_a_score_is_the_utility_times_freshness_times_the_source() -> None:
    made = _terms(
        MULTIPLIED, [(0.5, 0.0, 0.0)] * 3, [-5.0, 0.0, 2 * HOUR_S], ["timeline", "popular", "popular"]
    )
    assert made.utility.tolist() == [1.0, 1.0, 1.0]
    assert made.freshness.tolist() == [1.0, 1.0, 0.25]
    assert made.source.tolist() == [1.0, 0.5, 0.5]
    assert made.score.tolist() == [1.0, 0.5, 0.125]


def test_what_is_below_zero_does_not_get_better_by_being_old_or_of_a_lesser_source() -> None:
    made = _terms(MULTIPLIED, [(0.0, 0.0, 0.25)] * 2, [0.0, HOUR_S], ["timeline", "popular"])
    assert made.utility.tolist() == [-1.0, -1.0]
    assert (made.freshness.tolist(), made.source.tolist()) == ([1.0, 2.0], [1.0, 2.0])
    assert made.score.tolist() == [-1.0, -4.0]


SEEN = replace(MULTIPLIED, seen=Seen(0.25))


def test_what_was_looked_at_before_is_worth_its_factor() -> None:
    made = _terms(SEEN, [(0.5, 0.0, 0.0)] * 2, [HOUR_S] * 2, ["popular"] * 2, [True, False])
    assert made.seen.tolist() == [0.25, 1.0]
    assert made.score.tolist() == [0.0625, 0.25]


def test_what_is_below_zero_does_not_get_better_by_having_been_looked_at() -> None:
    made = _terms(SEEN, [(0.0, 0.0, 0.25)] * 2, [0.0] * 2, ["timeline"] * 2, [True, False])
    assert made.seen.tolist() == [4.0, 1.0]
    assert made.score.tolist() == [-4.0, -1.0]


@pytest.mark.parametrize(("objective", "looked_at"), [(MULTIPLIED, [True]), (SEEN, None), (SEEN, [False])])
def test_what_nobody_asked_for_or_looked_at_has_the_bits_of_before(
    objective: Objective, looked_at: list[bool] | None
) -> None:
    made = _terms(objective, [(0.3, 0.2, 0.1)], [1_234.5], ["popular"], looked_at)
    assert made.seen.tolist() == [1.0]
    assert made.score.tolist() == (made.utility * made.freshness * made.source).tolist()


def test_without_factors_the_score_is_the_utility() -> None:
    made = _terms(ENGAGEMENT, [(0.5, 0.1, 0.9)], [1e9], ["anywhere"])
    assert made.score.tolist() == made.utility.tolist() == [0.5]


@pytest.mark.parametrize("head", [1.0, -1.0])
def test_age_without_end_leaves_a_finite_score(head: float) -> None:
    objective = replace(_objective(click=Weight(head)), freshness=FreshnessDecay(60.0))
    made = _terms(objective, [(1.0, 0.0, 0.0)] * 2, [60.0 * MOST_HALF_LIVES, 1e15], ["timeline"] * 2)
    assert np.isfinite(made.score).all()
    assert made.score[0] == made.score[1] != 0


def test_what_is_no_number_is_no_score() -> None:
    made = _terms(MULTIPLIED, [(math.nan, 0.0, 0.0), (0.5, 0.0, 0.0)], [HOUR_S] * 2, ["popular"] * 2)
    assert np.isnan(made.score).tolist() == [True, False]


@given(
    rows=st.lists(
        st.tuples(
            st.tuples(*[st.floats(0, 1, width=32)] * 3),
            st.floats(-10, 1e6),
            st.sampled_from(["timeline", "popular"]),
            st.booleans(),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_a_score_has_the_same_bits_in_any_batch(
    rows: list[tuple[tuple[float, ...], float, str, bool]],
) -> None:
    together = _terms(SEEN, *(list(column) for column in zip(*rows, strict=True)))
    for place, (heads, age, source, looked_at) in enumerate(rows):
        alone = _terms(SEEN, [heads], [age], [source], [looked_at])
        assert [part[0] for part in alone] == [part[place] for part in together]


def test_ages_come_from_ids() -> None:
    minted = np.array(
        [compose_id(1_700_000_000_000, 3, 7, 9), compose_id(1_700_000_001_500, 0, 0, 0)], np.int64
    )
    assert ages_s(minted, 1_700_000_001_000).tolist() == [1.0, -0.5]
