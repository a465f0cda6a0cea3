"""What a bundle is worth on impressions that it did not learn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from core.errors import ConfigurationError
from ranking.bundle import format_time, load_bundle, parse_time
from ranking.model import RankingModel
from stores.lake import LakeReader
from training.baselines import order_scores
from training.dataset import DatasetOptions, dataset
from training.metrics import RESAMPLES, Estimate, areas_by_viewer


@dataclass(frozen=True, slots=True)
class EvaluateOptions:
    """Impressions with from_ms <= time and time + window_s <= to_ms (UTC).

    `from_ms` None is where the bundle's training ended, `to_ms` None as far as the lake is complete.
    """

    from_ms: int | None = None
    to_ms: int | None = None
    lag_s: float = 60.0
    window_s: float = 600.0
    seed: int = 1


class Scored(msgspec.Struct, frozen=True):
    """One order: its AUC, and how far the model is above it (null for the model itself), with the
    95 % intervals of a bootstrap over viewers; both are of the same resamples."""

    name: str
    auc: float
    lo: float
    hi: float
    gain: float | None = None
    gain_lo: float | None = None
    gain_hi: float | None = None


class Evaluation(msgspec.Struct, frozen=True):
    """`from_at` and `to_at` are the first and last impression, RFC 3339."""

    model: str
    head: str
    from_at: str
    to_at: str
    impressions: int
    positives: int
    viewers: int
    as_served: int
    lag_s: float
    window_s: float
    resamples: int
    overlaps_training: bool
    orders: list[Scored]

    @property
    def auc(self) -> float:
        """The model's."""
        return self.orders[0].auc


def evaluate(
    lake_dir: Path, bundle_dir: Path, options: EvaluateOptions, report: Callable[[str], None]
) -> Evaluation:
    """Scores the range with the bundle's own graph and compares with the baselines on the same rows.

    Raises ConfigurationError where the range has no labelled impressions, or only clicked or only
    unclicked ones; Corrupt or UnknownVersion where the bundle or the lake cannot be used.
    """
    bundle = load_bundle(bundle_dir)
    manifest = bundle.manifest
    head = manifest.heads[0]
    trained_to_ms = parse_time(manifest.training.to)
    from_ms = trained_to_ms if options.from_ms is None else options.from_ms
    overlaps = from_ms < trained_to_ms
    if overlaps:
        report(f"careful: the model learned from impressions until {manifest.training.to}, some of these too")
    wanted = DatasetOptions(from_ms, options.to_ms, options.lag_s, {"click": options.window_s})
    judged = dataset(LakeReader(lake_dir), wanted, report).known("click")
    positives = judged.positives("click")
    if not 0 < positives < len(judged):
        raise ConfigurationError(
            f"{positives:,} of {len(judged):,} impressions from {format_time(from_ms)} on were "
            "clicked: an order cannot be judged without both kinds. Choose a longer range."
        )
    scores = RankingModel(bundle).score(judged.inputs)[:, 0]
    measured = areas_by_viewer(
        judged.positive("click"), judged.viewers, order_scores(scores, judged.inputs), seed=options.seed
    )
    return Evaluation(
        model=f"{manifest.name}@{manifest.version}",
        head=head.name,
        from_at=format_time(int(judged.ts_ms[0])),
        to_at=format_time(int(judged.ts_ms[-1])),
        impressions=len(judged),
        positives=positives,
        viewers=len(set(judged.viewers.tolist())),
        as_served=int(judged.as_served.sum()),
        lag_s=options.lag_s,
        window_s=options.window_s,
        resamples=RESAMPLES,
        overlaps_training=overlaps,
        orders=[_scored(name, area, measured.gains.get(name)) for name, area in measured.areas.items()],
    )


def _scored(name: str, area: Estimate, gain: Estimate | None) -> Scored:
    if gain is None:
        return Scored(name, area.value, area.lo, area.hi)
    return Scored(name, area.value, area.lo, area.hi, gain.value, gain.lo, gain.hi)


def to_json(evaluation: Evaluation) -> bytes:
    return msgspec.json.format(msgspec.json.encode(evaluation), indent=2) + b"\n"


def render_table(evaluation: Evaluation) -> str:
    """The evaluation for a terminal, without a newline at its end."""
    one = evaluation
    lines = [
        f"{one.model}, head {one.head}: {one.impressions:,} impressions ({one.positives:,} clicked) of "
        f"{one.viewers:,} viewers, {one.from_at} to {one.to_at}",
        f"features as served for {one.as_served:,}, the others as of {one.lag_s:g} s before; "
        f"a click counts for {one.window_s:g} s",
        "",
        f"{'order':<28}{'AUC':>8}  {'95 % interval':<19}{'the model above it':<20}",
    ]
    for order in one.orders:
        gain = (
            "" if order.gain is None else f"{order.gain:+.4f}  ({order.gain_lo:+.4f} to {order.gain_hi:+.4f})"
        )
        interval = f"{order.lo:.4f} to {order.hi:.4f}"
        lines.append(f"{order.name:<28}{order.auc:>8.4f}  {interval:<19}{gain}".rstrip())
    if one.overlaps_training:
        lines += ["", "The model learned from some of these impressions: this flatters it."]
    return "\n".join(lines)
