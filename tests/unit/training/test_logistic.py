"""The recipe: finite columns of one scale, categories of their own, and what is missing is said."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.schema import FEATURES
from training.logistic import Recipe

SURFACE, AGE = FEATURES.index("c.surface"), FEATURES.index("t.age_h")


def inputs() -> NDArray[np.float32]:
    random = np.random.default_rng(1)
    table = random.random((50, len(FEATURES))).astype(np.float32)
    table[:, SURFACE] = np.where(np.arange(50) % 2, 17.0, 33.0)
    table[::5, AGE] = np.nan
    return table


def test_columns_are_finite_scaled_and_say_what_is_missing() -> None:
    learned = inputs()
    recipe = Recipe.of(learned)
    columns = recipe.columns(learned)
    assert np.isfinite(columns).all()
    assert np.abs(columns).max() <= 5.0
    # One flag, for the ages that are missing.
    assert len(recipe.flagged) == 1
    flags = [
        i for i in range(columns.shape[1]) if columns[:, i].tolist() == np.isnan(learned[:, AGE]).tolist()
    ]
    assert len(flags) == 1


def test_rows_of_another_day_are_put_through_what_was_learned() -> None:
    recipe = Recipe.of(inputs())
    strange = np.full((2, len(FEATURES)), np.nan, np.float32)
    strange[1] = np.inf
    strange[:, SURFACE] = 99.0
    columns = recipe.columns(strange)
    assert columns.shape[1] == recipe.columns(inputs()).shape[1]
    assert np.isfinite(columns).all()
