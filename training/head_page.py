"""What one head is worth, as a part of a page: against simple orders, its calibration, and slices."""

from __future__ import annotations

from collections.abc import Iterator

from training.evaluation import SLICE_WORDS, Baseline, HeadReport, SliceReport
from training.page import figure, folded, paragraph, table
from training.plots import calibration_plot, interval_plot
from training.resampling import Estimate, interval

_STYLES = {"model": "model", "champion": "champion"}
_HEADINGS = (
    "",
    "AUC",
    "NDCG@10",
    "log loss",
    "calibration error",
    "predicted / happened",
    "model above, AUC",
    "model above, NDCG@10",
)


def head_report(report: HeadReport | None) -> Iterator[str]:
    """HTML below a heading of its own. None is a head of which nothing was measured."""
    if report is None or report.auc is None:
        yield paragraph(
            "Nothing was measured: too little was held out, or the event happened never or always."
        )
        return
    yield paragraph(f"{report.positives:,} of {report.impressions:,} impressions here.")
    yield table(_HEADINGS, [_own(report), *(_other(name, one) for name, one in report.baselines.items())])
    if report.curve:
        yield "<h3>Calibration</h3>"
        caption = (
            "Fifteenths of the impressions, by what was predicted: on the dashed line it is what happened."
        )
        yield figure(calibration_plot(report.curve), caption)
        yield folded("The curve in numbers", table(("predicted", "happened", "impressions"), _bins(report)))
    yield "<h3>Slices, AUC</h3>" + figure(
        interval_plot(_slices(report), "AUC of each slice"),
        "New: not among what the model learned from. 0.5 is chance.",
    )


def _own(report: SliceReport) -> list[str]:
    return ["model", *_measures(report), "", ""]


def _other(name: str, one: Baseline) -> list[str]:
    return [
        name,
        *_measures(one),
        interval(one.gain.auc, signed=True),
        interval(one.gain.ndcg10, signed=True),
    ]


def _measures(one: SliceReport | Baseline) -> list[str]:
    return [
        interval(one.auc),
        interval(one.ndcg10),
        interval(one.log_loss),
        interval(None if one.calibration is None else one.calibration.error),
        interval(None if one.calibration is None else one.calibration.ratio),
    ]


def _bins(report: HeadReport) -> list[list[str]]:
    return [[f"{one.predicted:.4f}", interval(one.happened), f"{one.rows:,}"] for one in report.curve]


def _slices(report: HeadReport) -> list[tuple[str, str, Estimate]]:
    parts: dict[str, SliceReport] = {
        "all": report,
        **{SLICE_WORDS[name]: one for name, one in report.slices.items()},
    }
    rows = []
    for words, part in parts.items():
        orders = {"model": part.auc, **{name: one.auc for name, one in part.baselines.items()}}
        for name, one in orders.items():
            if one is not None:
                rows.append((f"{words}: {name}", _STYLES.get(name, "baseline"), one))
    return rows
