"""One head from the dataset: its slices, its trees, and the sigmoid that makes them probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import lightgbm as lgb
import msgspec
import numpy as np
from numpy.typing import NDArray

from ranking.bundle import Calibration, Metric
from training.baselines import MODEL, order_scores
from training.booster import BoosterOptions, Examples, raw_scores, train_booster
from training.calibrate import fit_sigmoid
from training.dataset import UNKNOWN, Dataset
from training.labels import Head
from training.metrics import areas_by_viewer
from training.position import at_places, position_offsets
from training.sampling import Rows, keep_negatives, kept_rate
from training.split import split_by_time, whole

_PRIOR_RATE, _PRIOR_ROWS = 0.001, 100.0


@dataclass(frozen=True, slots=True)
class HeadOptions:
    """`window_s` is the label's; fewer than `min_positives` make a constant; of more than `max_rows` to
    learn from, negatives are sampled."""

    booster: BoosterOptions
    window_s: float
    min_positives: int
    max_rows: int


class LearnedHead(msgspec.Struct, frozen=True):
    """sigmoid(a * raw + b) of `model`, LightGBM's text; a constant has no model, and a is 0.

    `rows` and `positives` are of all impressions whose label is known, `split` says what they were for.
    """

    name: Head
    model: str
    calibration: Calibration
    negative_rate: float
    rows: int
    positives: int
    trees: int
    window_s: float
    split: str
    metrics: list[Metric]

    @property
    def constant(self) -> bool:
        return not self.model

    def booster(self) -> lgb.Booster:
        """Not of a constant."""
        return lgb.Booster(model_str=self.model)


def can_learn(dataset: Dataset, head: Head, min_positives: int) -> bool:
    """Whether there are enough positives, and a negative."""
    labels = dataset.labels[head]
    return int((labels == 1).sum()) >= max(1, min_positives) and bool((labels == 0).any())


def learn_head(
    dataset: Dataset, head: Head, options: HeadOptions, report: Callable[[str], None]
) -> LearnedHead:
    """The same dataset, options and seed give the same head."""
    known = np.flatnonzero(dataset.labels[head] != UNKNOWN)
    if not can_learn(dataset, head, options.min_positives):
        return _constant(dataset, head, known, options, report)
    positive, seed = dataset.positive(head), options.booster.seed
    split = split_by_time(dataset.ts_ms, dataset.requests, known, window_s=options.window_s)
    if not 0 < int(positive[split.learn].sum()) < len(split.learn):
        split = whole(known)
    rate = kept_rate(len(split.learn), int(positive[split.learn].sum()), most=options.max_rows)
    learn, stop = (keep_negatives(rows, positive[rows], rate, seed=seed) for rows in split[:2])
    offsets = position_offsets(head, dataset.inputs[learn], positive[learn], dataset.positions[learn])
    start = _logit(float(positive[learn].mean()))

    def examples(rows: Rows) -> Examples:
        begin = start + at_places(offsets, dataset.positions[rows])
        return Examples(dataset.inputs[rows], positive[rows], begin)

    report(
        f"learning from {len(learn):,} impressions, {int(positive[learn].sum()):,} of them positive"
        + (f" and {rate:.1%} of the negatives" if rate < 1.0 else "")
    )
    booster = train_booster(examples(learn), examples(stop), options.booster, report)
    last = split.calibrate
    raw = raw_scores(booster, dataset.inputs[last]) if len(last) else np.empty(0)
    places = at_places(offsets, dataset.positions[last])
    calibration = fit_sigmoid(raw, positive[last], places, start=start + math.log(rate))
    report(f"calibrated on {len(last):,}: sigmoid({calibration.a:.4f} raw {calibration.b:+.4f})")
    metrics = _metrics(head, dataset, last, raw, seed)
    for metric in metrics[:1]:
        report(f"{metric.name} on them {metric.value:.4f}")
    return LearnedHead(
        head,
        booster.model_to_string(),
        calibration,
        rate,
        len(known),
        int(positive[known].sum()),
        booster.num_trees(),
        options.window_s,
        split.words,
        metrics,
    )


def _constant(
    dataset: Dataset, head: Head, known: Rows, options: HeadOptions, report: Callable[[str], None]
) -> LearnedHead:
    """The base rate; where little is known, one in a thousand, worth a hundred impressions."""
    positives = dataset.positives(head)
    rate = (positives + _PRIOR_RATE * _PRIOR_ROWS) / (len(known) + _PRIOR_ROWS)
    report(
        f"constant {rate:.2g}: {positives:,} positives among {len(known):,} impressions, at least "
        f"{options.min_positives:,} are needed"
    )
    calibration = Calibration(0.0, _logit(rate))
    words = "a constant"
    return LearnedHead(head, "", calibration, 1.0, len(known), positives, 0, options.window_s, words, [])


def _metrics(head: Head, dataset: Dataset, rows: Rows, raw: NDArray[np.float64], seed: int) -> list[Metric]:
    """Of the last slice: calibration orders as the trees do, so the areas are fair."""
    judged = dataset.positive(head)[rows]
    if not 0 < int(judged.sum()) < len(judged):
        return []
    scores = order_scores(raw, dataset.inputs[rows])
    measured = areas_by_viewer(judged, dataset.viewers[rows], scores, seed=seed)
    return [
        Metric(f"{head} auc" if name == MODEL else f"{head} auc of {name}", "last", one.value, one.lo, one.hi)
        for name, one in measured.areas.items()
    ]


def _logit(rate: float) -> float:
    return math.log(rate / (1.0 - rate))
