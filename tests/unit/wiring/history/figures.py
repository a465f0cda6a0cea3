"""What a history came to that nobody has, with words in it that somebody might write."""

from __future__ import annotations

from interchange.report import ImportReport, Refusal
from tests.unit.wiring.demo.figures import SCRIPT, head_report
from training.at_top import Depth, OtherTop, TopReport
from training.contents import Contents
from training.evaluation import Evaluation
from training.resampling import Estimate
from wiring.history.report import VERSION, HeadSupport, HistoryReport

_E = Estimate(0.7, 0.6, 0.8)


def contents() -> Contents:
    return Contents(
        viewers=900,
        authors=70,
        tweets=800,
        follows=4_000,
        impressions=12_345,
        did={"click": 4_000, "dwell": 3_000, "like": 90, "hide": 4},
        from_at="2026-01-01T00:00:00.000Z",
        to_at="2026-02-01T00:00:00.000Z",
        imported=1.0,
        placed=1.0,
        randomised=0.0,
        same_hour=0.01,
        declared=True,
    )


def imported() -> ImportReport:
    return ImportReport(
        digest="d",
        source=f"Ours {SCRIPT}",
        complete_until_ms=0,
        written={"users": 970, "seen": 12_000},
        there={"seen": 345},
        not_imported={"impressions not seen": 17},
        refusals=[Refusal("tweets", "its author is not in users", 3, [f"tweet {SCRIPT}"])],
        assumptions=["clicks happened at once"],
    )


def evaluation() -> Evaluation:
    depth = Depth(1, 30, 20, _E, {"chronological": OtherTop(_E, _E, Estimate(0.137, 0.12, 0.15))})
    return Evaluation(
        evaluation=1,
        model="home@1",
        champion=None,
        from_at="2026-01-21T00:00:00.000Z",
        to_at="2026-01-31T00:00:00.000Z",
        impressions=2_000,
        viewers=700,
        as_served=2_000,
        lag_s=60.0,
        windows_s={"click": 600.0},
        group="request",
        resamples=200,
        overlaps_training=False,
        notes=[],
        heads={"click": head_report(), "hide": head_report(None)},
        top=TopReport({"click": 1.0}, "request", 2_000, _E, [depth]),
    )


def report() -> HistoryReport:
    heads = [HeadSupport("click", 3_000, 600.0, False), HeadSupport("hide", 4, 86_400.0, True)]
    return HistoryReport(
        report=VERSION,
        contents=contents(),
        imports=[imported()],
        evaluation=evaluation(),
        objective="engagement@1",
        multiplied=["author diversity"],
        heads=heads,
        learned="learned from 10,000 impressions",
        cannot_tell=["Only what was shown."],
    )
