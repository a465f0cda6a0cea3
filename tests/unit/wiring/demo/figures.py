"""Figures of a demo that never ran, with words in it that somebody might write."""

from __future__ import annotations

from simulation.arms import ARMS
from simulation.audit import Audit
from simulation.judgement import ORDERS, Judgement
from simulation.lift import Estimate as Worth
from simulation.lift import Lift
from simulation.visit import Pages
from training.evaluation import Baseline, Calibration, Gain, HeadReport, SliceReport
from training.probabilities import Bin
from training.resampling import Estimate
from wiring.demo.feeds import FeedItem, FeedsBeside, OneFeed
from wiring.demo.report import DemoFigures

ONE = Worth(1.23456, 1.0, 1.5)
SCRIPT = "<script>alert('1')</script>"
_E = Estimate(0.7, 0.6, 0.8)
_CALIBRATION = Calibration(Estimate(0.01, 0.0, 0.02), Estimate(1.1, 1.0, 1.2))


def head_report(auc: Estimate | None = _E) -> HeadReport:
    part = (40, 10, 9, 8, auc, _E, _E, _CALIBRATION)
    others = {"chronological": Baseline(_E, _E, None, None, Gain(_E, _E, None))}
    curve = [Bin(20, 0.2, Estimate(0.25, 0.2, 0.3)), Bin(20, 0.4, _E)]
    return HeadReport(*part, others, False, curve, {"new_viewers": SliceReport(*part, others)})


def figures() -> DemoFigures:
    pages = Pages()
    pages.latency_ms["ranked"] += [1.0, 3.0]
    pages.latency_ms["chronological"] += [2.0]
    pages.rungs += ["full", "full", "chronological"]
    pages.served_ranked = 2
    items = [FeedItem(SCRIPT, "<b>ann", 61.0), FeedItem("On jazz", "bob", None)]
    return DemoFigures(
        Lift(dict.fromkeys(ARMS, ONE), ONE, ONE, 0.4, dict.fromkeys(ARMS, 9)),
        Judgement(dict.fromkeys(ORDERS, ONE), ONE, ONE, 9, 8, 3),
        {"click": head_report(), "hide": head_report(None)},
        pages,
        [5.0],
        Audit(2, 9, 0, 0, 0),
        61.0,
        FeedsBeside(
            "viewer_3, who loves jazz",
            [OneFeed("chronological", "full", "", items), OneFeed("ranked", "full", "home@1", items[::-1])],
        ),
        {"timeline": 30, "popular": 10},
        {"World": "60 people", "Model": "home@1"},
    )
