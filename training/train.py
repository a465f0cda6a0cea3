"""From the lake to a bundle: all heads, in one graph."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from core.clock import Clock, SystemClock
from core.errors import ConfigurationError
from features.schema import FEATURES
from ranking.bundle import format_time
from stores.lake import LakeReader
from training.booster import BoosterOptions
from training.bundle_writer import write_bundle
from training.card import card_files
from training.checkpoints import Checkpoints, digest_of
from training.dataset import Dataset, DatasetOptions, dataset
from training.describe import Learned, describe
from training.evaluation import HeadReport
from training.export import to_onnx
from training.head import HeadOptions, LearnedHead, can_learn, learn_head
from training.held_out import held_out, held_out_scores
from training.judge import judge, manifest_metrics
from training.labels import LABELS, Head, head_named
from training.parity import check_parity

ALWAYS: tuple[Head, ...] = ("click", "like", "dwell", "hide")
"""These heads every model has; the others where somebody did so."""
FEW_POSITIVES = 300
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """Impressions with from_ms <= time and time + the label's window <= until_ms (UTC) are learned from.

    `heads` are those of the model, by default `ALWAYS` and what has positives; `windows_s` replaces
    windows of `LABELS`. A head with fewer than `min_positives` is a constant. A head that would learn
    from more than `max_rows` learns from a part of the negatives.

    `lag_s` is how far behind the features are taken where they were not logged; `trees` the most
    that there may be of a head. The same lake, options and seed give the same graph, byte for byte,
    whatever `threads` is. One is the default: several wait for each other, and on two busy cores two
    threads took 16 to 30 s for what one did in 2 to 3.
    """

    name: str = "home"
    from_ms: int | None = None
    until_ms: int | None = None
    lag_s: float = 60.0
    heads: tuple[Head, ...] = ()
    windows_s: Mapping[Head, float] = field(default_factory=dict)
    seed: int = 1
    trees: int = 200
    leaves: int = 15
    min_positives: int = FEW_POSITIVES
    max_rows: int = 2_000_000
    threads: int = 1


class Trained(NamedTuple):
    """Where the bundle is, what it learned from, and its heads on what was held out."""

    bundle: Path
    found: Dataset
    reports: Mapping[str, HeadReport]


def train(
    lake_dir: Path,
    out_dir: Path,
    options: TrainOptions,
    report: Callable[[str], None],
    clock: Clock | None = None,
) -> Path:
    """The bundle of `train_and_judge`."""
    return train_and_judge(lake_dir, out_dir, options, report, clock).bundle


def train_and_judge(
    lake_dir: Path,
    out_dir: Path,
    options: TrainOptions,
    report: Callable[[str], None],
    clock: Clock | None = None,
) -> Trained:
    """Trains, exports, passes the parity gate and writes `<out_dir>/<name>/<version>`.

    Goes on after the heads that an earlier one, of the same data and options, had done when it was
    killed. Raises ConfigurationError where there is no lake, nothing in it to learn from, or the
    exported graph is not the boosters; Corrupt where the lake is damaged. No bundle is written then.
    """
    now_ms = (clock or SystemClock()).now_ms()
    _check(options, now_ms)
    reader = LakeReader(lake_dir)
    wanted = DatasetOptions(options.from_ms, options.until_ms, options.lag_s, options.windows_s)
    found = dataset(reader, wanted, report)
    heads = _heads(found, options)
    _check_learnable(found, heads, options)
    how = [(head, _head_options(options, wanted.window_s(head))) for head in heads]
    checkpoints = Checkpoints(out_dir, options.name, digest_of(found, how))
    learned: list[LearnedHead] = []
    for head, one in how:
        learned.append(_learn(found, head, one, checkpoints, report))
    graph = to_onnx(learned)
    parity = check_parity(learned, graph, found.inputs, seed=options.seed)
    report(
        f"parity over {parity.rows:,} rows of {len(learned)} heads: largest difference "
        f"{parity.max_diff:.1e}, {parity.order_changes} order changes, the same bits in batches of any size"
    )
    judged = _judged(found, learned, options.seed)
    metrics = manifest_metrics(judged, "held out")
    for metric in metrics:
        report(f"{metric.slice}: {metric.name} {metric.value:.4f}")
    all_of_it = Learned(options.name, options.from_ms, options.until_ms, learned, graph, parity, metrics)
    manifest = describe(all_of_it, found, reader, now_ms)
    written = write_bundle(out_dir, manifest, graph, card_files(manifest, judged, _gains(learned)))
    checkpoints.clear()
    return Trained(written, found, judged)


def _learn(
    found: Dataset, head: Head, options: HeadOptions, checkpoints: Checkpoints, report: Callable[[str], None]
) -> LearnedHead:
    kept = checkpoints.load(head)
    if kept is not None:
        report(f"{head}: done before this training was stopped")
        return kept
    learned = learn_head(found, head, options, lambda line: report(f"{head}: {line}"))
    checkpoints.save(learned)
    return learned


def _judged(found: Dataset, learned: list[LearnedHead], seed: int) -> dict[str, HeadReport]:
    """Not the graph: its trees have learned from what was held out, too, once that had been used."""
    parts = held_out(found, learned)
    names = [one.name for one in learned]
    return judge(
        parts.judged,
        lambda inputs: held_out_scores(learned, inputs),
        names,
        learned=parts.learned,
        seed=seed,
    )


def _gains(learned: list[LearnedHead]) -> dict[str, dict[str, float]]:
    return {
        one.name: dict(zip(FEATURES, one.booster().feature_importance("gain").tolist(), strict=True))
        for one in learned
        if not one.constant
    }


def _heads(found: Dataset, options: TrainOptions) -> list[Head]:
    """In the order of LABELS, whatever order they were asked for in."""
    if options.heads:
        return [head for head in LABELS if head in options.heads]
    return [head for head in LABELS if head in ALWAYS or found.positives(head)]


def _head_options(options: TrainOptions, window_s: float) -> HeadOptions:
    booster = BoosterOptions(options.seed, options.trees, options.leaves, options.threads)
    return HeadOptions(booster, window_s, options.min_positives, options.max_rows)


def _check(options: TrainOptions, now_ms: int) -> None:
    if _NAME.fullmatch(options.name) is None:
        raise ConfigurationError(
            f"{options.name!r} is no name for a model: use 1 to 40 lowercase letters, digits, - and _"
        )
    for head in (*options.heads, *options.windows_s):
        head_named(head)
    for head, window_s in options.windows_s.items():
        if not 0 < window_s < float("inf"):
            raise ConfigurationError(f"the window of {head} must be positive, in seconds, not {window_s:g}")
    for name in ("trees", "threads", "min_positives", "max_rows"):
        if getattr(options, name) < 1:
            raise ConfigurationError(f"{name} must be at least 1, not {getattr(options, name)}")
    if options.leaves < 2:
        raise ConfigurationError(f"leaves must be at least 2, not {options.leaves}")
    if not 0 <= options.lag_s < float("inf"):
        raise ConfigurationError("the lag must not be negative, in seconds")
    if options.from_ms is not None and options.until_ms is not None and options.from_ms >= options.until_ms:
        raise ConfigurationError(
            f"the range to train on is empty: it starts at {format_time(options.from_ms)}, not before its "
            f"end at {format_time(options.until_ms)}. Let --from be earlier than --until."
        )
    if options.from_ms is not None and options.from_ms >= now_ms:
        raise ConfigurationError(
            f"the range to train on starts at {format_time(options.from_ms)}, in the future: it is "
            f"{format_time(now_ms)}. Choose an earlier --from."
        )


def _check_learnable(found: Dataset, heads: list[Head], options: TrainOptions) -> None:
    """At least one head is no constant, and those that were asked for by name happened at all."""
    positives = {head: found.positives(head) for head in heads}
    never = [head for head in heads if not positives[head]]
    if never and (len(never) == len(heads) or options.heads):
        raise ConfigurationError(
            f"none of the {len(found):,} impressions has a positive {' or '.join(never)}: there is nothing "
            "to learn from. Let viewers do so (POST /v1/events, likes), choose another range or other heads, "
            "or lengthen the window with --window."
        )
    if any(can_learn(found, head, options.min_positives) for head in heads):
        return
    if any(can_learn(found, head, 1) for head in heads):
        counts = ", ".join(f"{head} {count:,}" for head, count in positives.items())
        raise ConfigurationError(
            f"every head would be a constant, which ranks nothing: of {len(found):,} impressions positive "
            f"are {counts}, and a head takes {options.min_positives:,}. Wait for more, choose a longer "
            "range, or take a rough model with --min-positives."
        )
    raise ConfigurationError(
        f"every one of the {len(found):,} impressions is positive: without one that is not, there is "
        "nothing to learn from. Check that clients report what is seen, not only what is clicked."
    )
