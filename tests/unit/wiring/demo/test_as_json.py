"""What a demo came to is told under the names that the bars read, all of them, whatever can be told."""

from __future__ import annotations

import json
import math
from dataclasses import replace

from simulation.audit import Audit
from simulation.lift import Estimate
from simulation.visit import Pages
from tests.unit.wiring.demo.figures import figures
from wiring.demo.as_json import to_json
from wiring.demo.report import DemoFigures

ENDS = ("mean", "lo", "hi")
KEYS = {
    "wall_s",
    *(
        f"utility.{arm}.{end}"
        for arm in ("chronological", "random", "ranked", "oracle", "lift")
        for end in ENDS
    ),
    "aa.lo",
    "aa.hi",
    "oracle_share",
    *(f"ndcg10.{order}" for order in ("ranked", "chronological", "popularity", "logistic")),
    *(f"auc.{head}" for head in ("click", "hide")),
    *(f"latency_ms.{name}.{p}" for name in ("ranked", "chronological") for p in ("p50", "p99")),
    "post_to_feed_ms.p50",
    "post_to_feed_ms.p99",
    "served_ranked_share",
    "lost",
    "doubled",
}
"""Those of the issue that asked for them; there may be more."""


def told(one: DemoFigures) -> dict[str, object]:
    """Leaves by their paths."""
    leaves: dict[str, object] = {}

    def walk(value: object, path: str) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                walk(inner, f"{path}.{name}" if path else name)
        else:
            leaves[path] = value

    walk(json.loads(to_json(one)), "")
    return leaves


def test_json_has_the_keys_of_the_bars() -> None:
    one = told(figures())
    assert one.keys() >= KEYS
    assert (one["utility.lift.mean"], one["aa.lo"], one["aa.hi"]) == (1.2346, 1.0, 1.5)
    assert (one["auc.click"], one["auc.hide"]) == (0.7, None)
    assert (one["latency_ms.ranked.p50"], one["post_to_feed_ms.p99"]) == (2.0, 5.0)
    assert (one["served_ranked_share"], one["wall_s"], one["oracle_share"]) == (0.6667, 61.0, 0.4)
    assert (one["sources.timeline"], one["rungs.full"], one["lost"], one["doubled"]) == (30, 2, 0, 0)


def test_what_cannot_be_told_is_there_as_null() -> None:
    nobody = Estimate(math.nan, math.nan, math.nan)
    one = figures()
    few = replace(
        one,
        lift=one.lift._replace(oracle_share=math.nan),
        judgement=one.judgement._replace(
            ndcg=dict.fromkeys(one.judgement.ndcg, nobody), over_logistic=nobody
        ),
        pages=Pages(),
        post_ms=[],
        audit=Audit(0, 0, 0, 0, 0),
    )
    leaves = told(few)
    assert leaves.keys() >= KEYS
    for key in ("oracle_share", "ndcg10.logistic", "latency_ms.ranked.p99", "post_to_feed_ms.p50"):
        assert leaves[key] is None
