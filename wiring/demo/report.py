"""What a demo came to: the figures that the terminal, the file of numbers and the page are made of."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from simulation.audit import Audit
from simulation.judgement import Judgement
from simulation.lift import Lift
from simulation.visit import Pages
from training.evaluation import HeadReport
from wiring.chaos.act import ChaosAct
from wiring.demo.feeds import FeedsBeside

POST_TO_FEED = "post to feed"


@dataclass(frozen=True, slots=True)
class DemoFigures:
    """`heads` are judged on what training held out, `post_ms` are milliseconds from post to feed.

    `sources` counts the items of ranked pages by who found them. `setting` says in words what was run:
    what it is to the value. `chaos` is None where there was no such act; its pages are not in `pages`.
    """

    lift: Lift
    judgement: Judgement
    heads: Mapping[str, HeadReport]
    pages: Pages
    post_ms: Sequence[float]
    audit: Audit
    wall_s: float
    feeds: FeedsBeside
    sources: Mapping[str, int]
    setting: Mapping[str, str] = field(default_factory=dict)
    chaos: ChaosAct | None = None

    @property
    def rungs(self) -> Counter[str]:
        """Ranked pages by the rung that they were made on."""
        return Counter(self.pages.rungs)

    @property
    def served_ranked_share(self) -> float:
        return self.pages.served_ranked / max(1, len(self.pages.rungs))

    @property
    def areas(self) -> Mapping[str, float]:
        """AUC on what was held out, by head; NaN where it cannot be told."""
        known = {name: report.auc for name, report in self.heads.items()}
        return {
            name: math.nan if one is None or one.value is None else one.value for name, one in known.items()
        }

    @property
    def times_ms(self) -> Mapping[str, Sequence[float]]:
        """As clients see them while all are at it."""
        return {**self.pages.latency_ms, POST_TO_FEED: self.post_ms}

    def share_words(self) -> str:
        """How much of what could be won is won."""
        share = self.lift.oracle_share
        if math.isnan(share):
            return "so few viewers cannot tell what ranking reaches of the best possible order"
        return f"ranking reaches {share:.0%} of what the best possible order would gain"


def quantiles(values: Sequence[float]) -> Mapping[str, float]:
    """The 50th and 99th percentile, NaN of nothing."""
    p50, p99 = np.percentile(values, (50, 99)) if values else (math.nan, math.nan)
    return {"p50": float(p50), "p99": float(p99)}
