"""What an evaluation comes to; as JSON this is the report that programs read (docs/evaluation.md).

Fields are only ever added. A number that cannot be told is null.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from training.at_top import TopReport
from training.groups import Grouping
from training.probabilities import Bin
from training.resampling import Estimate

SliceName = Literal["new_viewers", "new_authors", "new_tweets"]
SLICE_WORDS: dict[SliceName, str] = {
    "new_viewers": "new viewers",
    "new_authors": "new authors",
    "new_tweets": "new tweets",
}


class Calibration(msgspec.Struct, frozen=True):
    """`error` is the expected calibration error, `ratio` the predicted events over those that happened."""

    error: Estimate
    ratio: Estimate


class Gain(msgspec.Struct, frozen=True):
    """How far the model is above it, on the same resamples. Of `log_loss` less is better: its gain is the
    baseline's loss minus the model's, null where one of them is no probability."""

    auc: Estimate
    ndcg10: Estimate
    log_loss: Estimate | None


class Baseline(msgspec.Struct, frozen=True):
    """`log_loss` and `calibration` are null for what is an order and no probability."""

    auc: Estimate
    ndcg10: Estimate
    log_loss: Estimate | None
    calibration: Calibration | None
    gain: Gain


class SliceReport(msgspec.Struct, frozen=True):
    """The model and its baselines on some rows; `groups` are those that NDCG is the mean over.

    `auc` and what follows are null, and `baselines` empty, where the event happened always or never.
    """

    impressions: int
    positives: int
    viewers: int
    groups: int
    auc: Estimate | None
    ndcg10: Estimate | None
    log_loss: Estimate | None
    calibration: Calibration | None
    baselines: dict[str, Baseline]


class HeadReport(SliceReport, frozen=True):
    """All rows of a head; `constant` is a head that says the same of every row."""

    constant: bool
    curve: list[Bin]
    slices: dict[SliceName, SliceReport]


class Evaluation(msgspec.Struct, frozen=True):
    """`from_at` and `to_at` are the first and last impression, RFC 3339, UTC. `windows_s` says by head how
    long after an impression its event counted. `notes` are what whoever reads the numbers must know. `top` is
    null where no weights were asked for, or a head of them was not judged."""

    evaluation: int
    model: str
    champion: str | None
    from_at: str
    to_at: str
    impressions: int
    viewers: int
    as_served: int
    lag_s: float
    windows_s: dict[str, float]
    group: Grouping
    resamples: int
    overlaps_training: bool
    notes: list[str]
    heads: dict[str, HeadReport]
    top: TopReport | None = None


VERSION = 1


def to_json(evaluation: Evaluation) -> bytes:
    return msgspec.json.format(msgspec.json.encode(evaluation), indent=2) + b"\n"
