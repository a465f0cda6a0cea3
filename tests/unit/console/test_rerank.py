"""Other weights: what moves, and the command that would set them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from console.figures import age, plain, share
from console.html_table import numbers, table
from console.rerank import command, moves, step_of, weights_of
from console.words import why_not_ranked
from ranking.diversity import diversify
from ranking.explain import Weighing
from ranking.objective import ENGAGEMENT, Terms, Weight
from ranking.presets import SATISFACTION


def weighing(*scores: float) -> Weighing:
    score = np.array(scores)
    ids = np.arange(len(score))
    diverse = diversify(score, ids, ids, None)
    places = np.argsort(diverse.order)
    return Weighing(ENGAGEMENT, Terms(*[score] * len(Terms._fields)), diverse, places)


def test_what_moves_is_counted() -> None:
    found = moves(weighing(4, 3, 2, 1), weighing(4, 1, 2, 3), shown=2)
    assert found.up.tolist() == [0, -2, 0, 2]
    assert (found.moved, found.entered, found.shown) == (2, 1, 2)
    assert found.words == "2 of 4 tweets move; 1 of the first 2 are new there."
    still = moves(weighing(4, 3), weighing(8, 2), shown=20)
    assert (still.moved, still.entered, still.shown) == (0, 0, 2)
    assert still.words.startswith("Nothing moves")


def test_every_head_has_a_weight_in_the_models_order() -> None:
    weights = weights_of(SATISFACTION, ("hide", "retweet", "like"))
    assert list(weights) == ["hide", "retweet", "like"]
    assert weights["hide"] == SATISFACTION.weights["hide"]
    assert weights["retweet"] == Weight(0.0)
    assert step_of(weights["retweet"]) == 0.05
    assert step_of(weights["hide"]) == 0.25


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({}, ""),
        ({"like": 4.0, "hide": -20.0, "retweet": 0.0}, ""),
        ({"like": 4.0, "hide": -40.5}, "--weight hide=-40.5"),
        ({"like": 0.0, "retweet": 0.1}, "--weight like=0 --weight retweet=0.1"),
        ({"odd head": 1.0}, "--weight 'odd head=1'"),
    ],
)
def test_the_command_names_what_changes(weights: dict[str, float], words: str) -> None:
    said = command(SATISFACTION, weights)
    assert said == (f'rankfeed objective set {words} --reason "…"' if words else "")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "-"),
        (-1, "0\u00a0s"),
        (119, "119\u00a0s"),
        (120, "2\u00a0min"),
        (7_300, "2\u00a0h"),
        (200_000, "2\u00a0d"),
    ],
)
def test_ages_are_short(seconds: float | None, words: str) -> None:
    assert age(seconds) == words


def test_numbers_are_short() -> None:
    assert (plain(0.123456), plain(-2.0), plain(12345.0)) == ("0.1235", "\N{MINUS SIGN}2", "12,345")
    assert (share(0.5), share(0.001234)) == ("50 %", "0.123 %")


@pytest.mark.parametrize("made_by", [table, numbers])
def test_tables_escape_what_others_wrote(made_by: Callable[..., str]) -> None:
    made = made_by("a <caption>", ["<one>", "two"], [["<row>", "<b>1</b>"]])
    assert "<b>" not in made
    assert "&lt;row&gt;" in made
    assert '<th scope="row">' in made


def test_a_reason_that_nobody_foresaw_is_named() -> None:
    assert why_not_ranked("moon_full").what == "Nothing could be ranked (moon_full)."
    assert why_not_ranked("moon_full").todo
