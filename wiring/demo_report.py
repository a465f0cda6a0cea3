"""What a demo came to, on the terminal and as JSON."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from rich.table import Table

from ranking.bundle import Metric
from simulation.arms import ARMS
from simulation.audit import Audit
from simulation.judgement import ORDERS, Judgement
from simulation.lift import Estimate, Lift
from simulation.visit import Pages
from wiring.chaos_act import ChaosAct

_DIGITS = 4
_AUC = " auc"


@dataclass(frozen=True, slots=True)
class DemoFigures:
    """`metrics` are those in the model's manifest, `post_ms` milliseconds from post to feed.

    `chaos` is None where nothing may be disturbed; none of its pages is among `pages`.
    """

    lift: Lift
    judgement: Judgement
    metrics: Sequence[Metric]
    pages: Pages
    post_ms: Sequence[float]
    audit: Audit
    wall_s: float
    chaos: ChaosAct | None = None

    def tables(self) -> list[Table]:
        """For the terminal."""
        arms = Table(title="Utility a session, in truth: clicks, likes twice, hides five times off")
        for column in ("arm", "viewers", "mean", "95 %"):
            arms.add_column(column, justify="left" if column == "arm" else "right")
        for arm in ARMS:
            arms.add_row(arm, str(self.lift.viewers[arm]), *_cells(self.lift.arms[arm]))
        arms.add_row("ranked over chronological", "", *_cells(self.lift.lift))
        arms.add_row("one half of chronological over the other", "", *_cells(self.lift.aa))
        orders = Table(title=f"NDCG@10 against the truth, {self.judgement.viewers} viewers")
        for column in ("order", "mean", "95 %"):
            orders.add_column(column, justify="left" if column == "order" else "right")
        for order in ORDERS:
            orders.add_row(order, *_cells(self.judgement.ndcg[order]))
        orders.add_row("ranked over popularity, paired", *_cells(self.judgement.over_popularity))
        times = Table(title="Milliseconds, as clients see them while all are at it")
        for column in ("what", "p50", "p99"):
            times.add_column(column, justify="left" if column == "what" else "right")
        for name, values in (*self.pages.latency_ms.items(), ("post to feed", self.post_ms)):
            times.add_row(name, *(f"{one:.0f}" for one in _quantiles(values).values()))
        return [arms, orders, times]

    def lines(self) -> list[str]:
        rungs = Counter(self.pages.rungs)
        share = self.lift.oracle_share
        return [
            "so few viewers cannot tell what ranking reaches of the best possible order"
            if math.isnan(share)
            else f"ranking reaches {share:.0%} of what the best possible order would gain",
            f"{self.pages.served_ranked} of {len(self.pages.rungs)} feeds served ranked; rungs: "
            + ", ".join(f"{name} {count / rungs.total():.1%}" for name, count in rungs.most_common()),
        ]

    def to_json(self) -> bytes:
        """The keys are those that the bars read. What cannot be told is not there."""
        content = {
            "wall_s": self.wall_s,
            "utility": {name: one._asdict() for name, one in self.lift.arms.items()}
            | {"lift": self.lift.lift._asdict()},
            "aa": {"lo": self.lift.aa.lo, "hi": self.lift.aa.hi},
            "oracle_share": self.lift.oracle_share,
            "ndcg10": {name: one.mean for name, one in self.judgement.ndcg.items()},
            "ndcg10_over_popularity": self.judgement.over_popularity._asdict(),
            "auc": _areas(self.metrics),
            "latency_ms": {
                name: _quantiles(values) for name, values in sorted(self.pages.latency_ms.items())
            },
            "post_to_feed_ms": _quantiles(self.post_ms),
            "served_ranked_share": self.pages.served_ranked / max(1, len(self.pages.rungs)),
            "rungs": dict(Counter(self.pages.rungs)),
            "lost": self.audit.lost,
            "doubled": self.audit.doubled,
        }
        return msgspec.json.format(msgspec.json.encode(_rounded(content)), indent=2) + b"\n"


def _cells(estimate: Estimate) -> tuple[str, str]:
    return f"{estimate.mean:.3f}", f"{estimate.lo:.3f} to {estimate.hi:.3f}"


def _quantiles(values: Sequence[float]) -> Mapping[str, float]:
    p50, p99 = np.percentile(values, (50, 99)) if values else (math.nan, math.nan)
    return {"p50": float(p50), "p99": float(p99)}


def _areas(metrics: Sequence[Metric]) -> Mapping[str, float]:
    """AUC on what was held out, by head."""
    areas = {one.name: one.value for one in metrics if one.slice == "held out"}
    return {name.removesuffix(_AUC): area for name, area in areas.items() if name.endswith(_AUC)}


def _rounded(value: Any) -> Any:
    match value:
        case dict():
            return {name: _rounded(one) for name, one in value.items()}
        case float():
            return round(value, _DIGITS)
    return value
