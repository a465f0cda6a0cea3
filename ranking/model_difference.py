"""A model's manifest as facts in words, and what two of them have not in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ranking.bundle import Manifest, Metric

_NAMED = ("heads", "metrics")
"""Lists of a manifest whose members are told apart by name, not by place."""
_APART = ("manifest", "name", "sha256", "created_at", "version", "input", "metrics")
"""What differs between any two, or is told by itself."""

Row = tuple[str, str, str]
"""What it is of, and its value in the one and in the other; "-" where it has none."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`facts` are those that differ, `metrics` all. `reordered` are the same features in another order."""

    facts: list[Row]
    metrics: list[Row]
    only_one: list[str]
    only_other: list[str]
    reordered: bool
    same_graph: bool


def difference(one: Manifest, other: Manifest) -> Difference:
    left, right = (
        flat({key: value for key, value in msgspec.to_builtins(manifest).items() if key not in _APART})
        for manifest in (one, other)
    )
    mine, theirs = one.input.features, other.input.features
    return Difference(
        facts=[row for row in _beside(left, right) if row[1] != row[2]],
        metrics=_beside(metrics_of(one), metrics_of(other)),
        only_one=[name for name in mine if name not in set(theirs)],
        only_other=[name for name in theirs if name not in set(mine)],
        reordered=set(mine) == set(theirs) and mine != theirs,
        same_graph=one.sha256 == other.sha256,
    )


def metrics_of(manifest: Manifest) -> dict[str, str]:
    """Value and 95 % interval by `name, slice`."""
    return {f"{metric.name}, {metric.slice}": _metric(metric) for metric in manifest.metrics}


def flat(tree: Mapping[str, Any], path: str = "") -> dict[str, str]:
    """Leaf by leaf: `training.from`, `heads.click.positives`."""
    leaves: dict[str, str] = {}
    for key, value in tree.items():
        if isinstance(value, list) and key in _NAMED:
            value = {one["name"]: one for one in value}
        if isinstance(value, dict):
            leaves |= flat(value, f"{path}{key}.")
        elif not (key == "name" and path):
            leaves[f"{path}{key}"] = _told(value)
    return leaves


def _told(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _metric(metric: Metric) -> str:
    if metric.lo is None or metric.hi is None:
        return f"{metric.value:.4f}"
    return f"{metric.value:.4f} ({metric.lo:.4f} to {metric.hi:.4f})"


def _beside(left: Mapping[str, str], right: Mapping[str, str]) -> list[Row]:
    return [(key, left.get(key, "-"), right.get(key, "-")) for key in dict.fromkeys((*left, *right))]
