"""Objectives in words, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ranking.objective import Objective
from ranking.processes import ProcessReport


def objective_lines(objective: Objective) -> Iterator[str]:
    yield f"{objective.label}  {_when(objective)} by {objective.author}: {objective.reason}"
    width = max(map(len, objective.weights), default=0)
    for head, weight in objective.weights.items():
        yield f"  weight     {head:<{width}}  {weight.w:>8g}   within {weight.min:g} to {weight.max:g}"
    if objective.freshness is not None:
        yield f"  freshness  halves every {objective.freshness.half_life_s:g} s of a tweet's age"
    for source, factor in objective.source_factor.items():
        yield f"  source     {source} times {factor:g}"
    if objective.seen is not None:
        yield f"  seen       what the viewer has looked at before times {objective.seen.factor:g}"
    diversity = objective.diversity
    if diversity is not None:
        yield (
            f"  diversity  an author's k-th item times {1 - diversity.floor:g} · {diversity.decay:g}^k "
            f"+ {diversity.floor:g}, k from 0"
        )


def history_line(objective: Objective) -> str:
    when_and_who = f"{_when(objective):<24}  {objective.author:<16}"
    return f"{objective.version:>6}  {when_and_who}  {objective.name}: {objective.reason}"


def process_lines(processes: Sequence[ProcessReport]) -> Iterator[str]:
    """Who goes by what, where processes serve."""
    for one in processes:
        refused = "" if one.objective_refused is None else f"; refused: {one.objective_refused}"
        yield f"  process    {one.pid} goes by {one.objective or 'one that it does not tell'}{refused}"


def _when(objective: Objective) -> str:
    return objective.set_at or "as it comes"
