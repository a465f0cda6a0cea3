"""Models in words: a manifest, where one serves, what two of them have not in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from ranking.bundle import Manifest, format_time
from ranking.model_difference import difference, flat, metrics_of
from ranking.processes import ProcessReport
from ranking.registered import Change, Registered


def history_line(change: Change) -> str:
    instead = f" instead of {change.instead_of}" if change.instead_of else ""
    reason = f": {change.reason}" if change.reason else ""
    return f"{format_time(change.at_ms)}  {change.kind:8} {change.label}{instead}, by {change.by}{reason}"


def manifest_lines(manifest: Manifest) -> list[str]:
    """All of it, one fact a line; metrics and parity last."""
    whole = msgspec.to_builtins(manifest)
    inputs, metrics, parity = whole.pop("input"), whole.pop("metrics"), whole.pop("parity")
    lines = _table(flat(whole))
    lines += [f"{len(inputs['features'])} features of schema {inputs['schema_hash'][:12]}"]
    lines += ["", "metrics (95 % interval)" if metrics else "no metrics: nothing could be held out"]
    lines += _table(metrics_of(manifest))
    lines += ["", "graph against booster", *_table(flat(parity))]
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
    differs = difference(one, other)
    lines = _aligned([("", *labels), *differs.facts, *differs.metrics])
    for sign, alone in (("-", differs.only_one), ("+", differs.only_other)):
        lines += [f"{sign} feature {name}" for name in alone]
    if not differs.only_one and not differs.only_other:
        lines.append("the same features in another order" if differs.reordered else "the same features")
    if differs.same_graph:
        lines.append("the same graph, byte for byte")
    return lines


def _table(facts: Mapping[str, str]) -> list[str]:
    return _aligned(list(facts.items()))


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
