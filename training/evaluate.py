"""What a bundle is worth on impressions that it did not learn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigurationError
from ranking.bundle import Manifest, format_time, load_bundle, parse_time
from ranking.model import RankingModel
from stores.lake import LakeReader
from training.dataset import UNKNOWN, Dataset, DatasetOptions, dataset
from training.evaluation import VERSION, Evaluation
from training.groups import groups
from training.judge import Champion, Judged
from training.labels import LABELS, Head, known_until_ms
from training.resampling import RESAMPLES, Resamples

# As many rows are scored at once: a graph's outputs and inputs are then 40 MB.
_BATCH = 100_000


@dataclass(frozen=True, slots=True)
class EvaluateOptions:
    """Impressions with from_ms <= time < to_ms (UTC), whose labels are known by to_ms.

    `from_ms` None is where the bundle's training ended, `to_ms` None as far as the lake is complete. With
    `weights` of heads the report says what the first few items of what was shown would be worth.
    """

    from_ms: int | None = None
    to_ms: int | None = None
    lag_s: float = 60.0
    seed: int = 1
    weights: Mapping[str, float] = field(default_factory=dict)


def evaluate(
    lake_dir: Path,
    bundle_dir: Path,
    options: EvaluateOptions,
    report: Callable[[str], None],
    champion_dir: Path | None = None,
) -> Evaluation:
    """Scores the range with the bundle's own graph and compares with the baselines on the same rows.

    Each head's window is the one that its bundle was trained with. Raises ConfigurationError where the
    range has no labelled impressions, or no head with both kinds; Corrupt or UnknownVersion where a
    bundle or the lake cannot be used.
    """
    model = RankingModel(load_bundle(bundle_dir))
    champion = None if champion_dir is None else RankingModel(load_bundle(champion_dir))
    manifest = model.manifest
    trained = manifest.training
    trained_to_ms = parse_time(trained.to)
    from_ms = trained_to_ms if options.from_ms is None else options.from_ms
    _check(options, from_ms)
    notes: list[str] = []
    for one in (model, champion):
        if one is not None and from_ms < parse_time(one.manifest.training.to):
            notes.append(
                f"{one.label} learned from impressions until {one.manifest.training.to}, some of these too: "
                "this flatters it"
            )
            report(f"careful: {notes[-1]}")
    windows_s = _windows_s(manifest)
    # The rows that it learned from are read too: the logistic regression learns from the same.
    wanted = DatasetOptions(min(parse_time(trained.from_), from_ms), options.to_ms, options.lag_s, windows_s)
    reader = LakeReader(lake_dir)
    rows = dataset(reader, wanted, report)
    judged = rows.take(rows.ts_ms >= from_ms)
    learned = _learned(rows, manifest, windows_s)
    _check_rows(reader, judged, model.heads, from_ms, options.to_ms)
    if not len(learned):
        notes.append(
            "the lake has nothing that the model learned from: no logistic regression, and nobody is new"
        )
    report(f"judging {len(judged):,} impressions of {len(np.unique(judged.viewers)):,} viewers")
    ordered = Judged(
        judged,
        _in_batches(model),
        model.heads,
        Resamples(judged.viewers, seed=options.seed),
        learned=learned if len(learned) else None,
        champion=None if champion is None else Champion(_in_batches(champion), champion.heads),
    )
    reports = ordered.reports()
    for head in model.heads:
        if head not in reports or reports[head].auc is None:
            notes.append(f"{head}: happened never or always in these impressions, so it cannot be judged")
    unknown = [head for head, weight in options.weights.items() if weight and head not in reports]
    if unknown:
        notes.append(
            f"what the first items would be worth cannot be told: {', '.join(unknown)} is weighed, and is no "
            "head of the model's or of no label that is known"
        )
    return Evaluation(
        evaluation=VERSION,
        model=model.label,
        champion=None if champion is None else champion.label,
        from_at=format_time(int(judged.ts_ms[0])),
        to_at=format_time(int(judged.ts_ms[-1])),
        impressions=len(judged),
        viewers=len(np.unique(judged.viewers)),
        as_served=int(judged.as_served.sum()),
        lag_s=options.lag_s,
        windows_s={str(head): window_s for head, window_s in windows_s.items()},
        group=groups(judged).of,
        resamples=RESAMPLES,
        overlaps_training=from_ms < trained_to_ms,
        notes=notes,
        heads=reports,
        top=ordered.at_top(options.weights),
    )


def _check(options: EvaluateOptions, from_ms: int) -> None:
    if options.lag_s < 0:
        raise ConfigurationError(f"lag_s must not be negative, not {options.lag_s:g} seconds")
    if options.to_ms is not None and options.to_ms <= from_ms:
        raise ConfigurationError(
            f"the range to judge on is empty: it begins at {format_time(from_ms)} and ends at "
            f"{format_time(options.to_ms)}"
        )


def _check_rows(
    reader: LakeReader, judged: Dataset, heads: Sequence[str], from_ms: int, to_ms: int | None
) -> None:
    asked = f"from {format_time(from_ms)} until {'the end' if to_ms is None else format_time(to_ms)}"
    if not len(judged):
        known_ms = max(known_until_ms(reader, head, None) for head in LABELS)
        raise ConfigurationError(
            f"no impression {asked} has a label yet: the lake is complete until {format_time(known_ms)}. "
            "Choose another range (--from, --until), or wait until its labels are known."
        )
    known = [judged.labels[head] for head in LABELS if head in heads]
    if not any((label == 1).any() and (label == 0).any() for label in known):
        counted = ", ".join(f"{judged.positives(head):,} {head}" for head in LABELS if head in heads)
        raise ConfigurationError(
            f"of {len(judged):,} impressions {asked}, none of the model's heads happened in some and not in "
            f"others ({counted}): an order cannot be judged without both. Choose a longer range."
        )


def _windows_s(manifest: Manifest) -> Mapping[Head, float]:
    return {cast("Head", head.name): head.window_s for head in manifest.heads if head.name in LABELS}


def _learned(rows: Dataset, manifest: Manifest, windows_s: Mapping[Head, float]) -> Dataset:
    """What the model learned from: its range, each label unknown that was not mature for it."""
    to_ms, mature_ms = parse_time(manifest.training.to), parse_time(manifest.training.mature_at)
    learned = rows.take((rows.ts_ms >= parse_time(manifest.training.from_)) & (rows.ts_ms < to_ms))
    labels = dict(learned.labels)
    for head, window_s in windows_s.items():
        late = learned.ts_ms + round(window_s * 1000) > mature_ms
        labels[head] = np.where(late, np.int8(UNKNOWN), labels[head])
    return replace(learned, labels=labels)


def _in_batches(model: RankingModel) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    def score(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        starts = range(0, max(len(inputs), 1), _BATCH)
        return np.concatenate([model.score(inputs[first : first + _BATCH]) for first in starts])

    return score
