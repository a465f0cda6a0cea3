"""The demo's page: whole by itself, every figure on it, and nothing on it that runs."""

from __future__ import annotations

import math
from dataclasses import replace

from simulation.arms import ARMS
from simulation.judgement import ORDERS
from simulation.lift import Estimate
from simulation.visit import Pages
from tests.pages import parsed
from tests.unit.wiring.demo.figures import SCRIPT, figures
from wiring.demo.page import page


def test_every_figure_is_on_the_page() -> None:
    found = parsed(page(figures()))
    assert {"svg", "table", "nav", "details"} <= found.seen
    for words in (
        *ARMS,
        *ORDERS,
        "post to feed",
        "timeline",
        "popular",
        "home@1",
        "click",
        "hide",
        "60 people",
    ):
        assert words in found.said
    assert "1.235 (1.000 to 1.500)" in found.said
    assert "40%" in found.said
    assert "66.7%" in found.said
    assert "0 / 0 lost / doubled, of 9 items of 2 feeds" in found.said


def test_what_people_wrote_is_escaped() -> None:
    html = page(figures())
    assert {"script", "b"}.isdisjoint(parsed(html).seen)
    assert "&lt;script&gt;" in html
    assert SCRIPT not in page(figures())


def test_what_cannot_be_told_is_said_in_words() -> None:
    one, nobody = figures(), Estimate(math.nan, math.nan, math.nan)
    few = replace(
        one,
        lift=one.lift._replace(oracle_share=math.nan),
        judgement=one.judgement._replace(
            ndcg={**one.judgement.ndcg, "logistic": nobody}, over_logistic=nobody
        ),
        pages=Pages(),
        post_ms=[],
        sources={},
    )
    said = parsed(page(few)).said
    assert "so few viewers cannot tell" in said
    assert "The logistic regression had nothing to say" in said
    assert "Nothing was counted." in said
    assert "nan" not in said
