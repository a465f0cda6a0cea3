"""Models in words: a manifest, where one serves, what two of them have not in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ranking.bundle import Manifest, Metric, format_time
from ranking.processes import ProcessReport
from ranking.registered import Change, Registered
from ranking.registry import Outcome

_NAMED = ("heads", "metrics")
"""Lists of a manifest whose members are told apart by name, not by place."""
_APART = ("manifest", "name", "sha256", "created_at", "version", "input", "metrics")
"""What differs between any two, or is told by itself."""


def champion_line(outcome: Outcome) -> str:
    if not outcome.processes:
        return f"{outcome.entry.label} is the champion; nobody serves now, the next process runs it"
    return f"{outcome.entry.label} is the champion: {outcome.words}"


def history_line(change: Change) -> str:
    instead = f" instead of {change.instead_of}" if change.instead_of else ""
    reason = f": {change.reason}" if change.reason else ""
    return f"{format_time(change.at_ms)}  {change.kind:8} {change.label}{instead}, by {change.by}{reason}"


def manifest_lines(manifest: Manifest) -> list[str]:
    """All of it, one fact a line; metrics and parity last."""
    whole = msgspec.to_builtins(manifest)
    inputs, metrics, parity = whole.pop("input"), whole.pop("metrics"), whole.pop("parity")
    lines = _table(_flat(whole))
    lines += [f"{len(inputs['features'])} features of schema {inputs['schema_hash'][:12]}"]
    lines += ["", "metrics (95 % interval)" if metrics else "no metrics: nothing could be held out"]
    lines += _table({_metric_name(one): _metric(one) for one in manifest.metrics})
    lines += ["", "graph against booster", *_table(_flat(parity))]
    return lines


def serving_lines(label: str, registered: Registered, processes: Sequence[ProcessReport]) -> list[str]:
    """What the model is here, what was done with it, and what every serving process runs."""
    role = registered.role(label)
    lines = ["", f"here: {role or 'neither champion nor challenger'}"]
    lines += [f"  {history_line(one)}" for one in registered.history if one.label == label]
    lines += ["", f"{len(processes)} serving processes" if processes else "no process serves"]
    for one in processes:
        loaded = sorted(mark.partition(" ")[0] for mark in one.loaded if mark != one.serves)
        beside = f", beside it {', '.join(loaded)}" if loaded else ""
        lines.append(f"  {one.host} {one.pid}: {one.model or 'no model'}{beside}")
        lines += [f"    refuses {mark.partition(' ')[0]}: {why}" for mark, why in one.refusals.items()]
    return lines


def difference_lines(one: Manifest, other: Manifest) -> list[str]:
    """What two models do not have in common, side by side; metrics always."""
    labels = [f"{manifest.name}@{manifest.version}" for manifest in (one, other)]
    left, right = msgspec.to_builtins(one), msgspec.to_builtins(other)
    rows = [("", *labels)]
    facts = [
        _flat({key: value for key, value in side.items() if key not in _APART}) for side in (left, right)
    ]
    rows += [row for row in _beside(*facts) if row[1] != row[2]]
    metrics = [{_metric_name(metric): _metric(metric) for metric in side.metrics} for side in (one, other)]
    lines = _aligned([*rows, *_beside(*metrics)])
    for sign, mine, theirs in (("-", one, other), ("+", other, one)):
        alone = [name for name in mine.input.features if name not in set(theirs.input.features)]
        lines += [f"{sign} feature {name}" for name in alone]
    if set(one.input.features) == set(other.input.features):
        moved = one.input.features != other.input.features
        lines.append("the same features in another order" if moved else "the same features")
    if one.sha256 == other.sha256:
        lines.append("the same graph, byte for byte")
    return lines


def _flat(tree: Mapping[str, Any], path: str = "") -> dict[str, str]:
    """Leaf by leaf: `training.from`, `heads.click.positives`."""
    leaves: dict[str, str] = {}
    for key, value in tree.items():
        if isinstance(value, list) and key in _NAMED:
            value = {one["name"]: one for one in value}
        if isinstance(value, dict):
            leaves |= _flat(value, f"{path}{key}.")
        elif not (key == "name" and path):
            leaves[f"{path}{key}"] = _told(value)
    return leaves


def _told(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _metric_name(metric: Metric) -> str:
    return f"{metric.name}, {metric.slice}"


def _metric(metric: Metric) -> str:
    if metric.lo is None or metric.hi is None:
        return f"{metric.value:.4f}"
    return f"{metric.value:.4f} ({metric.lo:.4f} to {metric.hi:.4f})"


def _beside(left: Mapping[str, str], right: Mapping[str, str]) -> list[tuple[str, str, str]]:
    return [(key, left.get(key, "-"), right.get(key, "-")) for key in dict.fromkeys((*left, *right))]


def _table(facts: Mapping[str, str]) -> list[str]:
    return _aligned(list(facts.items()))


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
