"""The page on one's own data: whole by itself, every figure on it, and nothing on it that runs."""

from __future__ import annotations

import json

from msgspec.structs import replace

from tests.pages import parsed
from tests.unit.wiring.demo.figures import SCRIPT
from tests.unit.wiring.history.figures import report
from training.resampling import Estimate
from wiring.history.page import page
from wiring.history.report import to_json


def test_every_figure_is_on_the_page() -> None:
    found = parsed(page(report()))
    assert {"svg", "table", "nav", "details"} <= found.seen
    for words in (
        "home@1",
        "engagement@1: click 1",
        "+13.7%",
        "author diversity",
        "970 users, 12,345 seen",
        "17 impressions not seen",
        "its author is not in users",
        "clicks happened at once",
        "Only what was shown.",
        "2026-01-21 00:00 UTC",
        "It is no inverse-propensity estimate",
        "judged on 2,000 later impressions, of 700 viewers",
        "by chance the first item of a request of more than one would be worth 0.700",
    ):
        assert words in found.said


def test_a_lift_without_an_interval_is_said_to_have_none() -> None:
    one = report()
    top = one.evaluation.top
    assert top is not None
    (depth,) = top.depths
    others = {"chronological": replace(depth.others["chronological"], lift=Estimate(0.137, None, None))}
    depths = [replace(depth, others=others)]
    evaluation = replace(one.evaluation, top=replace(top, depths=depths))
    said = parsed(page(replace(one, evaluation=evaluation))).said
    assert "+13.7%" in said
    assert "over time order; 95 %: cannot be told" in said


def test_what_people_wrote_is_escaped() -> None:
    html = page(report())
    assert SCRIPT not in html
    assert "script" not in parsed(html).seen
    assert "&lt;script&gt;" in html


def test_what_cannot_be_told_is_said_in_words_and_null_in_the_file() -> None:
    one = report()
    untold = replace(one, evaluation=replace(one.evaluation, top=None), imports=[])
    said = parsed(page(untold)).said
    assert "cannot be told" in said
    assert "Nothing was imported" in said
    told = json.loads(to_json(untold))
    assert told["evaluation"]["top"] is None
    assert told["evaluation"]["heads"]["hide"]["auc"] is None
