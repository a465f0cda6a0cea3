"""What a demo came to is told under the names that the bars read."""

from __future__ import annotations

import json
import math
from dataclasses import replace

from ranking.bundle import Metric
from simulation.arms import ARMS
from simulation.audit import Audit
from simulation.judgement import ORDERS, Judgement
from simulation.lift import Estimate, Lift
from simulation.visit import Pages
from wiring.demo_report import DemoFigures

ONE = Estimate(1.23456, 1.0, 1.5)


def figures() -> DemoFigures:
    pages = Pages()
    pages.latency_ms["ranked"] += [1.0, 3.0]
    pages.latency_ms["chronological"] += [2.0]
    pages.rungs += ["full", "full", "chronological"]
    pages.served_ranked = 2
    lift = Lift(dict.fromkeys(ARMS, ONE), ONE, ONE, 0.4, dict.fromkeys(ARMS, 9))
    judgement = Judgement(dict.fromkeys(ORDERS, ONE), ONE, 9, 3)
    metrics = [
        Metric("click auc", "held out", 0.7, 0.6, 0.8),
        Metric("click auc of chance", "held out", 0.5, 0.5, 0.5),
    ]
    return DemoFigures(lift, judgement, metrics, pages, [5.0], Audit(2, 9, 0, 0, 0), 61.0)


def test_json_has_the_keys_of_the_bars() -> None:
    told = json.loads(figures().to_json())
    assert set(told["utility"]) == {*ARMS, "lift"}
    assert told["utility"]["lift"] == {"mean": 1.2346, "lo": 1.0, "hi": 1.5}
    assert told["aa"] == {"lo": 1.0, "hi": 1.5}
    assert set(told["ndcg10"]) == set(ORDERS)
    assert told["auc"] == {"click": 0.7}
    assert told["latency_ms"]["ranked"]["p50"] == 2.0
    assert told["post_to_feed_ms"] == {"p50": 5.0, "p99": 5.0}
    assert round(told["served_ranked_share"], 2) == 0.67
    assert [told[key] for key in ("wall_s", "oracle_share", "lost", "doubled")] == [61.0, 0.4, 0, 0]


def test_the_terminal_has_every_arm_and_order() -> None:
    words = [str(cell) for table in figures().tables() for column in table.columns for cell in column.cells]
    for name in (*ARMS, *ORDERS, "post to feed"):
        assert name in words
    assert "reaches 40% of" in figures().lines()[0]
    assert "2 of 3 feeds served ranked" in figures().lines()[1]


def test_a_share_that_cannot_be_told_is_not_told() -> None:
    few = replace(figures(), lift=figures().lift._replace(oracle_share=math.nan))
    assert "cannot tell" in few.lines()[0]
    assert json.loads(few.to_json())["oracle_share"] is None
