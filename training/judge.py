"""Judges a model head by head: against baselines, on all rows and on those of whom nothing was learned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ranking.bundle import Metric
from training.baselines import CHAMPION, CHRONOLOGICAL, LOGISTIC, POPULARITY, chronological, popularity
from training.dataset import UNKNOWN, Dataset
from training.evaluation import HeadReport, SliceName, SliceReport
from training.labels import LABELS, Head
from training.logistic import Logistic
from training.ndcg import groups
from training.order import Order, against, measure
from training.probabilities import Bin
from training.resampling import RESAMPLES, Resamples, estimate
from training.viewer_days import as_of_its_start

Matrix = NDArray[np.float32]
Score = Callable[[Matrix], NDArray[np.floating]]
"""Probabilities [n, n_heads] from inputs [n, n_features]."""


@dataclass(frozen=True, slots=True)
class Champion:
    """Another model, and the heads that it has, in the order of its scores."""

    score: Score
    heads: Sequence[str]


def judge(
    rows: Dataset,
    score: Score,
    heads: Sequence[str],
    *,
    learned: Dataset | None = None,
    champion: Champion | None = None,
    seed: int,
    resamples: int = RESAMPLES,
) -> dict[str, HeadReport]:
    """A report for each of `heads` (those of `score`, in its order) whose label is known for any row.

    `learned` are the rows that the model learned from: with them there is a logistic regression, and
    there are slices of viewers, authors and tweets that are not among them. The same arguments give the
    same report. 130,000 rows, three heads and all baselines take 6 s, half of it the regressions.
    """
    if not len(rows):
        return {}
    judged = _Judged(rows, learned, Resamples(rows.viewers, seed=seed, count=resamples))
    orders = judged.scored(score, heads)
    others = {} if champion is None else judged.scored(champion.score, champion.heads)
    return {
        head: judged.head(cast("Head", head), order, others.get(head))
        for head, order in orders.items()
        if head in LABELS and (rows.labels[cast("Head", head)] != UNKNOWN).any()
    }


def manifest_metrics(reports: Mapping[str, HeadReport], where: str) -> list[Metric]:
    """The first numbers of each head, for a bundle's manifest; `where` names the rows they are of."""
    metrics = []
    for head, report in reports.items():
        named = {"auc": report.auc, "ndcg10": report.ndcg10, "log_loss": report.log_loss}
        named |= {f"auc of {name}": one.auc for name, one in report.baselines.items()}
        for name, one in named.items():
            if one is not None and one.value is not None:
                metrics.append(Metric(f"{head} {name}", where, one.value, one.lo, one.hi))
    return metrics


class _Judged:
    """The rows, and what is the same for all heads."""

    def __init__(self, rows: Dataset, learned: Dataset | None, resamples: Resamples) -> None:
        self._rows = rows
        self._resamples = resamples
        self._groups = groups(rows)
        self._steady = rows.inputs
        if self._groups.of == "viewer-day":
            self._steady = as_of_its_start(rows.inputs, self._groups.codes)
        self._logistic: Logistic | None = None
        self._unseen: dict[SliceName, NDArray[np.bool_]] = {}
        if learned is not None and len(learned):
            self._unseen = {
                "new_viewers": ~np.isin(rows.viewers, learned.viewers),
                "new_authors": ~np.isin(rows.authors, learned.authors),
                "new_tweets": ~np.isin(rows.tweets, learned.tweets),
            }
            self._logistic = Logistic(learned, rows.inputs, self._steady)

    def scored(self, score: Score, heads: Sequence[str]) -> dict[str, Order]:
        apart = score(self._rows.inputs)
        together = apart if self._steady is self._rows.inputs else score(self._steady)
        return {head: Order(apart[:, i], together[:, i]) for i, head in enumerate(heads)}

    def head(self, head: Head, own: Order, champion: Order | None) -> HeadReport:
        rows = self._rows
        newest, popular = chronological(rows.inputs), popularity(rows.inputs, head)
        orders = {
            CHRONOLOGICAL: Order(newest, newest, probability=False),
            POPULARITY: Order(popular, popular),
        }
        logistic = None if self._logistic is None else self._logistic.order(head)
        if logistic is not None:
            orders[LOGISTIC] = logistic
        if champion is not None:
            orders[CHAMPION] = champion
        known = rows.labels[head] != UNKNOWN
        whole, curve = self._slice(head, known, own, orders)
        return HeadReport(
            impressions=whole.impressions,
            positives=whole.positives,
            viewers=whole.viewers,
            groups=whole.groups,
            auc=whole.auc,
            ndcg10=whole.ndcg10,
            log_loss=whole.log_loss,
            calibration=whole.calibration,
            baselines=whole.baselines,
            constant=bool((own.apart == own.apart[0]).all()),
            curve=curve,
            slices={
                name: self._slice(head, known & unseen, own, orders)[0]
                for name, unseen in self._unseen.items()
            },
        )

    def _slice(
        self, head: Head, where: NDArray[np.bool_], own: Order, orders: Mapping[str, Order]
    ) -> tuple[SliceReport, list[Bin]]:
        at = np.flatnonzero(where).astype(np.int64)
        happened = self._rows.positive(head)[at]
        positives, viewers = int(happened.sum()), len(np.unique(self._rows.viewers[at]))
        if not 0 < positives < len(at):
            return SliceReport(len(at), positives, viewers, 0, None, None, None, None, {}), []
        codes = self._groups.codes
        model = measure(own, at, happened, codes, self._resamples)
        report = SliceReport(
            len(at),
            positives,
            viewers,
            model.groups,
            estimate(model.auc),
            estimate(model.ndcg10),
            model.log_loss,
            model.calibration,
            {
                name: against(model, measure(order, at, happened, codes, self._resamples))
                for name, order in orders.items()
            },
        )
        return report, model.curve
