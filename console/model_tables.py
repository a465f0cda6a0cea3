"""Models as HTML: in one line, two side by side, and what was done with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from console.html_table import table
from console.models_seen import Model, ModelsSeen
from ranking.model_difference import difference, metrics_of
from ranking.registered import Change

_HEADLINES = 3
_CHANGES = 50


def moment(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def summary(model: Model) -> str:
    """When it was made, from how much, and its first metrics; or what is wrong with it."""
    manifest = model.manifest
    if manifest is None:
        return model.fault
    parts = [f"made {manifest.created_at[:16].replace('T', ' ')}", f"{manifest.training.rows:,} impressions"]
    parts += [f"{name} {value}" for name, value in list(metrics_of(manifest).items())[:_HEADLINES]]
    return " · ".join(parts)


def compared(seen: ModelsSeen, one: str, other: str) -> str:
    """What they have not in common, and the metrics of both."""
    left, right = seen.model(one), seen.model(other)
    if left is None or right is None or left.manifest is None or right.manifest is None:
        return '<p class="muted">Choose two models.</p>'
    differs = difference(left.manifest, right.manifest)
    parts = []
    if differs.metrics:
        parts.append(table("Metrics (95 % interval)", ("", one, other), differs.metrics))
    if differs.facts:
        parts.append(table("What differs", ("", one, other), differs.facts))
    words = [f"only {one} has the feature {name}" for name in differs.only_one]
    words += [f"only {other} has the feature {name}" for name in differs.only_other]
    if not words:
        words.append("the same features in another order" if differs.reordered else "the same features")
    if differs.same_graph:
        words.append("the same graph, byte for byte")
    return "".join(parts) + "".join(f"<p>{escape(word)}</p>" for word in words)


def history_table(history: Sequence[Change]) -> str:
    """Newest first."""
    if not history:
        return '<p class="muted">Nothing was promoted yet.</p>'
    rows = [
        (moment(one.at_ms), one.kind, one.label, one.instead_of or "", one.by, one.reason)
        for one in reversed(history[-_CHANGES:])
    ]
    return table("Changes, newest first", ("when", "what", "model", "instead of", "by", "why"), rows)
