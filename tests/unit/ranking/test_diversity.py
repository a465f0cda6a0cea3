"""Diversity: what a slow greedy choice makes, a permutation, and never a repeat or a loss."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranking.diversity import Diversified, diversify, multipliers
from ranking.objective import Diversity

HALVED = Diversity(decay=0.5, floor=0.1)


def _diversify(
    items: list[tuple[float, int]], diversity: Diversity | None, ids: list[int] | None = None
) -> Diversified:
    """`items` are (score, author), each newer than the one before."""
    scores, authors = zip(*items, strict=True) if items else ((), ())
    ids = list(range(1, len(items) + 1)) if ids is None else ids
    return diversify(
        np.array(scores, np.float64), np.array(ids, np.int64), np.array(authors, np.int64), diversity
    )


def _greedily(items: list[tuple[float, int]], diversity: Diversity) -> list[int]:
    """Item by item: of each author the best one that is left, and of these the one of the highest value."""
    left = sorted(range(len(items)), key=lambda i: (-items[i][0], -i))
    plain = {item: place for place, item in enumerate(left)}
    table: list[float] = multipliers(diversity, len(items)).tolist()
    picked: dict[int, int] = {}
    order = []
    while left:
        heads = list({items[i][1]: i for i in reversed(left)}.values())

        def value(i: int) -> float:
            score, author = items[i]
            factor = table[picked.get(author, 0)]
            return score * (1.0 / factor if score < 0 else factor)

        best = min(heads, key=lambda i: (-value(i), plain[i]))
        picked[items[best][1]] = picked.get(items[best][1], 0) + 1
        left.remove(best)
        order.append(best)
    return order


@given(
    items=st.lists(st.tuples(st.floats(-5, 5), st.integers(1, 4)), max_size=30),
    decay=st.floats(0, 1),
    floor=st.floats(0.01, 1),
)
def test_it_is_the_greedy_choice(items: list[tuple[float, int]], decay: float, floor: float) -> None:
    diversity = Diversity(decay, floor)
    made = _diversify(items, diversity)
    assert made.order.tolist() == _greedily(items, diversity)
    values = np.array([score for score, _ in items], np.float64) * made.multipliers
    assert (np.diff(values[made.order]) <= 0).all()
    assert sorted(made.places.tolist()) == list(range(len(items)))


def test_an_author_who_fills_the_top_comes_down() -> None:
    made = _diversify([(0.5, 2), (0.8, 1), (0.9, 1), (1.0, 1)], HALVED)
    # 1.0; then 0.9 · 0.55 = 0.495 and 0.8 · 0.325 = 0.26 are below the other author's 0.5.
    assert made.order.tolist() == [3, 0, 2, 1]
    assert made.multipliers.tolist() == pytest.approx([1.0, 0.325, 0.55, 1.0])
    assert (made.places.tolist(), made.ranks.tolist()) == ([3, 2, 1, 0], [0, 2, 1, 0])


def test_what_is_below_zero_goes_down_too() -> None:
    made = _diversify([(-0.3, 2), (-0.2, 1), (-0.1, 1)], HALVED)
    assert made.order.tolist() == [2, 0, 1]
    assert made.multipliers[1] == 1 / 0.55


def test_without_it_the_order_is_that_of_the_scores_newest_first() -> None:
    made = _diversify([(0.5, 1), (0.5, 1), (0.7, 2)], None, ids=[10, 30, 20])
    assert made.order.tolist() == [2, 1, 0]
    assert made.multipliers.tolist() == [1.0, 1.0, 1.0]


def test_multipliers_never_rise_and_end_at_the_floor() -> None:
    made = multipliers(HALVED, 500)
    assert made[:3].tolist() == [1.0, 0.9 * 0.5 + 0.1, 0.9 * 0.25 + 0.1]
    assert (np.diff(made) <= 0).all()
    assert made[-1] == pytest.approx(0.1)
    assert len(multipliers(HALVED, 0)) == 0


def test_nothing_is_put_in_the_order_of_nothing() -> None:
    assert len(_diversify([], HALVED).order) == 0
