"""Judges a model head by head: against baselines, on all rows and on those of whom nothing was learned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ranking.bundle import Metric
from training.at_top import TopReport, at_top, first_of
from training.baselines import CHAMPION, CHRONOLOGICAL, LOGISTIC, POPULARITY, newest, popularity, youngest
from training.dataset import UNKNOWN, Dataset
from training.evaluation import HeadReport, SliceName, SliceReport
from training.groups import groups, resampled_mean
from training.labels import LABELS, Head
from training.logistic import Columns, Logistic
from training.order import Order, against, measure
from training.probabilities import Bin
from training.resampling import RESAMPLES, Floats, Resamples, estimate
from training.viewer_days import as_of_its_start

Matrix = NDArray[np.float32]
Score = Callable[[Matrix], NDArray[np.floating]]
"""Probabilities [n, n_heads] from inputs [n, n_features]."""


@dataclass(frozen=True, slots=True)
class Champion:
    """Another model, and the heads that it has, in the order of its scores."""

    score: Score
    heads: Sequence[str]


class Judged:
    """Rows in the orders of a model (`heads` are those of `score`, in its order) and of its baselines.

    `learned` are the rows that the model learned from: with them there is a logistic regression, and
    there are slices of viewers, authors and tweets that are not among them. The same arguments give the
    same reports. 130,000 rows, three heads and all baselines take 6 s, half of it the regressions.
    """

    def __init__(
        self,
        rows: Dataset,
        score: Score,
        heads: Sequence[str],
        resamples: Resamples,
        *,
        learned: Dataset | None = None,
        champion: Champion | None = None,
    ) -> None:
        self._rows = rows
        self._resamples = resamples
        self._groups = groups(rows)
        self._steady = rows.inputs
        if self._groups.of == "viewer-day":
            self._steady = as_of_its_start(rows.inputs, self._groups.codes)
        self._unseen: dict[SliceName, NDArray[np.bool_]] = {}
        self._logistic: Logistic | None = None
        if learned is not None and len(learned) and len(rows):
            self._unseen = {
                "new_viewers": ~np.isin(rows.viewers, learned.viewers),
                "new_authors": ~np.isin(rows.authors, learned.authors),
                "new_tweets": ~np.isin(rows.tweets, learned.tweets),
            }
            self._logistic = Logistic(learned)
        known = [
            head for head in heads if head in LABELS and (rows.labels[cast("Head", head)] != UNKNOWN).any()
        ]
        own = self._scored(score, heads) if known else {}
        others = {} if champion is None or not known else self._scored(champion.score, champion.heads)
        self._own = {cast("Head", head): own[head] for head in known}
        self._others = {head: self._baselines(head, others.get(head)) for head in self._own}

    def reports(self) -> dict[str, HeadReport]:
        """One for each head whose label is known for any row."""
        return {head: self._report(head) for head in self._own}

    def at_top(self, weights: Mapping[str, float]) -> TopReport | None:
        """What the first few items are worth by these weights; None where a head of them was not judged."""
        rows, weighed = self._rows, {cast("Head", head): weight for head, weight in weights.items() if weight}
        if not weighed or not weighed.keys() <= self._own.keys():
            return None
        at = np.flatnonzero(np.all([rows.labels[head] != UNKNOWN for head in weighed], axis=0))
        if not len(at):
            return None

        def summed(by_head: Mapping[Head, NDArray[np.floating]]) -> Floats:
            total = np.zeros(len(at), np.float64)
            for head, weight in weighed.items():
                total += weight * by_head[head][at]
            return total

        worth = summed({head: rows.positive(head).astype(np.float64) for head in weighed})
        names = [name for name in self._others[next(iter(weighed))] if name != CHRONOLOGICAL]
        scores = {CHRONOLOGICAL: newest(rows.tweets)[at]} | {
            name: summed({head: self._others[head][name].together for head in weighed})
            for name in names
            if all(name in self._others[head] for head in weighed)
        }
        own = summed({head: self._own[head].together for head in weighed})
        codes, viewers = self._groups.codes[at], rows.viewers[at]
        in_any_order = first_of(worth, np.zeros(len(at)), codes, 1)
        return TopReport(
            weights={str(head): weight for head, weight in weighed.items()},
            group=self._groups.of,
            impressions=len(at),
            shown=estimate(resampled_mean(in_any_order, at, self._resamples)),
            depths=at_top(worth, codes, own, scores, at, viewers, self._resamples),
        )

    def _scored(self, score: Score, heads: Sequence[str]) -> dict[str, Order]:
        apart = score(self._rows.inputs)
        together = apart if self._steady is self._rows.inputs else score(self._steady)
        return {head: Order(apart[:, i], together[:, i]) for i, head in enumerate(heads)}

    @cached_property
    def _columns(self) -> tuple[Columns, Columns]:
        """What the regression is asked about: each row by itself, and as its group is ordered at once."""
        assert self._logistic is not None
        apart = self._logistic.recipe.columns(self._rows.inputs)
        steady = self._steady is self._rows.inputs
        return apart, apart if steady else self._logistic.recipe.columns(self._steady)

    def _baselines(self, head: Head, champion: Order | None) -> dict[str, Order]:
        rows = self._rows
        popular = popularity(rows.inputs, head)
        orders = {
            CHRONOLOGICAL: Order(youngest(rows.inputs), newest(rows.tweets), probability=False),
            POPULARITY: Order(popular, popular),
        }
        chances = None if self._logistic is None else self._logistic.fit(head)
        if chances is not None:
            apart, together = self._columns
            of_rows = chances(apart)
            orders[LOGISTIC] = Order(of_rows, of_rows if together is apart else chances(together))
        if champion is not None:
            orders[CHAMPION] = champion
        return orders

    def _report(self, head: Head) -> HeadReport:
        own, orders = self._own[head], self._others[head]
        known = self._rows.labels[head] != UNKNOWN
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
    """`Judged.reports` of these rows."""
    resampled = Resamples(rows.viewers, seed=seed, count=resamples)
    return Judged(rows, score, heads, resampled, learned=learned, champion=champion).reports()


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
