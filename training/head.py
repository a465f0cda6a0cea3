"""One head from the dataset: its slices, its trees, and the sigmoid that makes them probabilities.

What was held out has said how many trees, and what sigmoid; then as many trees are learned once more, from
all of it. The last days are the most like what comes: on KuaiRand likes gained 0.009 of AUC by it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import lightgbm as lgb
import msgspec
import numpy as np

from ranking.bundle import Calibration
from training.booster import BoosterOptions, Examples, raw_scores, train_booster
from training.calibrate import fit_sigmoid
from training.dataset import UNKNOWN, Dataset
from training.labels import Head
from training.position import at_places, position_offsets
from training.sampling import Rows, keep_negatives, kept_rate
from training.split import Split, split_by_time, whole

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

    `judged` are the trees that know nothing of what was held out, by which the head is judged; the same as
    `model` where nothing was. `rows` and `positives` are of all impressions whose label is known, `split`
    says what they were for.
    """

    name: Head
    model: str
    judged: str
    calibration: Calibration
    negative_rate: float
    rows: int
    positives: int
    trees: int
    window_s: float
    split: str

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


def split_of(dataset: Dataset, head: Head, window_s: float) -> Split:
    """Of the rows whose label is known; all of them to learn from where the earlier have one kind only."""
    known = np.flatnonzero(dataset.labels[head] != UNKNOWN)
    split = split_by_time(dataset.ts_ms, dataset.requests, known, window_s=window_s)
    positives = int(dataset.positive(head)[split.learn].sum())
    return split if 0 < positives < len(split.learn) else whole(known)


def learn_head(
    dataset: Dataset, head: Head, options: HeadOptions, report: Callable[[str], None]
) -> LearnedHead:
    """The same dataset, options and seed give the same head."""
    known = np.flatnonzero(dataset.labels[head] != UNKNOWN)
    if not can_learn(dataset, head, options.min_positives):
        return _constant(dataset, head, known, options, report)
    positive, seed = dataset.positive(head), options.booster.seed
    split = split_of(dataset, head, options.window_s)
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
    final = booster
    if len(split.learn) < len(known):
        everything = examples(keep_negatives(known, positive[known], rate, seed=seed))
        report(f"learning {booster.num_trees()} trees from all {len(everything.positive):,}")
        final = train_booster(
            everything, examples(known[:0]), replace(options.booster, trees=booster.num_trees()), report
        )
    return LearnedHead(
        head,
        final.model_to_string(),
        booster.model_to_string(),
        calibration,
        rate,
        len(known),
        int(positive[known].sum()),
        final.num_trees(),
        options.window_s,
        split.words,
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
    return LearnedHead(head, "", "", calibration, 1.0, len(known), positives, 0, options.window_s, words)


def _logit(rate: float) -> float:
    return math.log(rate / (1.0 - rate))
