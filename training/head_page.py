"""What one head is worth, as a part of a page: against simple orders, its calibration, and slices."""

from __future__ import annotations

from collections.abc import Iterator

from training.evaluation import SLICE_WORDS, Baseline, HeadReport, SliceReport
from training.page import figure, folded, pair, paragraph, table
from training.plots import calibration_plot, interval_plot
from training.resampling import Estimate, interval

_STYLES = {"model": "model", "champion": "champion"}
_FEW = 10
"""Of fewer positives an AUC is what chance made of them, and so is its interval."""
_ORDER = ("", "AUC", "model above", "NDCG@10", "model above")
_CHANCE = ("", "log loss", "calibration error", "predicted / happened")


def head_report(report: HeadReport | None) -> Iterator[str]:
    """HTML below a heading of its own. None is a head of which nothing was measured."""
    if report is None or report.auc is None:
        yield paragraph(
            "Nothing was measured: too little was held out, or the event happened never or always."
        )
        return
    yield paragraph(f"{report.positives:,} of {report.impressions:,} impressions here.")
    yield table(_ORDER, [_own(report), *(_other(name, one) for name, one in report.baselines.items())])
    calibration = figure(
        calibration_plot(report.curve),
        "Calibration: fifteenths of the impressions, by what was predicted. On the dashed line it is what "
        "happened.",
    )
    slices = figure(
        interval_plot(_slices(report), "AUC by slice", digits=3),
        "AUC by slice. New: not among what the model learned from; left out where fewer than "
        f"{_FEW} of them are positive. 0.5 is chance.",
    )
    chances: dict[str, SliceReport | Baseline] = {"model": report, **report.baselines}
    rows = [_as_chance(name, one) for name, one in chances.items() if one.log_loss is not None]
    numbers = folded(
        "The calibration curve in numbers", table(("predicted", "happened", "impressions"), _bins(report))
    )
    yield pair(calibration, slices)
    yield table(_CHANCE, rows)
    if report.curve:
        yield numbers


def _own(one: SliceReport) -> list[str]:
    return ["model", interval(one.auc, digits=3), "", interval(one.ndcg10, digits=3), ""]


def _other(name: str, one: Baseline) -> list[str]:
    return [
        name,
        interval(one.auc, digits=3),
        interval(one.gain.auc, digits=3, signed=True),
        interval(one.ndcg10, digits=3),
        interval(one.gain.ndcg10, digits=3, signed=True),
    ]


def _as_chance(name: str, one: SliceReport | Baseline) -> list[str]:
    error, ratio = (None, None) if one.calibration is None else (one.calibration.error, one.calibration.ratio)
    return [name, interval(one.log_loss, digits=3), interval(error, digits=3), interval(ratio, digits=2)]


def _bins(report: HeadReport) -> list[list[str]]:
    return [[f"{one.predicted:.4f}", interval(one.happened), f"{one.rows:,}"] for one in report.curve]


def _slices(report: HeadReport) -> list[tuple[str, str, Estimate]]:
    parts: dict[str, SliceReport] = {
        "all": report,
        **{SLICE_WORDS[name]: one for name, one in report.slices.items() if one.positives >= _FEW},
    }
    rows = []
    for words, part in parts.items():
        orders = {"model": part.auc, **{name: one.auc for name, one in part.baselines.items()}}
        for name, one in orders.items():
            if one is not None:
                rows.append((f"{words}: {name}", _STYLES.get(name, "baseline"), one))
    return rows
