"""Chance hangs on what it is about, never on when it is asked for."""

from __future__ import annotations

import numpy as np

from simulation.draws import exponential, normal, pareto, uniform

KEYS = np.arange(20_000)


def test_the_same_keys_draw_the_same_in_any_company() -> None:
    together = uniform(7, "click", KEYS, KEYS[::-1])
    assert np.array_equal(together[100:200], uniform(7, "click", KEYS[100:200], KEYS[::-1][100:200]))
    assert together[5] == uniform(7, "click", 5, int(KEYS[::-1][5]))[0]
    assert np.array_equal(
        uniform(7, "click", KEYS[:3, None], KEYS[None, :4])[2], uniform(7, "click", 2, KEYS[:4])
    )


def test_seed_event_and_each_key_in_its_place_make_another_draw() -> None:
    drawn = uniform(7, "click", KEYS, 1)
    for other in (uniform(8, "click", KEYS, 1), uniform(7, "like", KEYS, 1), uniform(7, "click", 1, KEYS)):
        assert (drawn == other).sum() <= 1
        assert abs(np.corrcoef(drawn, other)[0, 1]) < 0.03


def test_draws_have_the_shape_that_they_say() -> None:
    drawn = uniform(1, "u", KEYS)
    assert drawn.min() >= 0.0
    assert drawn.max() < 1.0
    assert np.allclose(np.histogram(drawn, 10, (0.0, 1.0))[0], len(KEYS) / 10, rtol=0.1)
    bell = normal(1, "n", KEYS)
    assert (round(float(bell.mean()), 1), round(float(bell.std()), 1)) == (0.0, 1.0)
    assert round(float(exponential(1, "e", KEYS).mean()), 1) == 1.0
    tail = pareto(1, "p", 1.5, KEYS)
    assert tail.min() >= 1.0
    assert abs((tail > 4.0).mean() - 4.0**-1.5) < 0.01
