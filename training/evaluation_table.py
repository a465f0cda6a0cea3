"""An evaluation for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from training.evaluation import SLICE_WORDS, Baseline, Evaluation, HeadReport, SliceReport
from training.resampling import Estimate, interval

_HEADINGS = f"{'':<16}{'AUC':<27}{'NDCG@10':<27}{'log loss':<10}the model above it, in AUC"


def render_table(evaluation: Evaluation) -> str:
    """Head by head, without a newline at its end; lines of at most 120 characters but for the notes."""
    one = evaluation
    lines = [
        f"{one.model}: {one.impressions:,} impressions of {one.viewers:,} viewers, "
        f"{one.from_at} to {one.to_at}",
        f"features as served for {one.as_served:,}, the others as of {one.lag_s:g} s before; NDCG@10 by "
        f"{one.group}",
        f"intervals of 95 % from {one.resamples} resamples of viewers; gains are paired",
    ]
    for head, report in one.heads.items():
        lines += ["", *_head(head, report, one)]
    if one.notes:
        lines += ["", *(f"note: {note}" for note in one.notes)]
    return "\n".join(lines)


def _head(head: str, report: HeadReport, evaluation: Evaluation) -> Iterator[str]:
    share = report.positives / report.impressions if report.impressions else 0.0
    yield (
        f"{head}: {report.positives:,} of {report.impressions:,} ({share:.2%}), within "
        f"{evaluation.windows_s.get(head, 0.0):g} s{'; a constant' if report.constant else ''}"
    )
    if report.auc is None:
        yield "  it happened never or always: nothing to compare"
        return
    yield f"  {_HEADINGS}"
    yield f"  {'model':<16}{interval(report.auc):<27}{interval(report.ndcg10):<27}{_value(report.log_loss)}"
    for name, baseline in report.baselines.items():
        yield f"  {_baseline(name, baseline)}"
    if report.calibration is not None:
        error, ratio = report.calibration.error, report.calibration.ratio
        yield f"  calibration: off by {interval(error)}, predicted over happened {interval(ratio)}"
    for name, part in report.slices.items():
        yield f"  {SLICE_WORDS[name]}: {_slice(part)}"


def _baseline(name: str, baseline: Baseline) -> str:
    row = f"{name:<16}{interval(baseline.auc):<27}{interval(baseline.ndcg10):<27}"
    return f"{row}{_value(baseline.log_loss):<10}{interval(baseline.gain.auc, signed=True)}"


def _slice(part: SliceReport) -> str:
    counted = f"{part.positives:,} of {part.impressions:,}"
    if part.auc is None:
        return f"{counted}, nothing to compare"
    gains = ", ".join(
        f"{_value(baseline.gain.auc, signed=True)} {name}" for name, baseline in part.baselines.items()
    )
    return f"{counted}, AUC {interval(part.auc)}; above {gains}"


def _value(one: Estimate | None, *, signed: bool = False) -> str:
    if one is None or one.value is None:
        return "-"
    return f"{one.value:{'+.4f' if signed else '.4f'}}"
