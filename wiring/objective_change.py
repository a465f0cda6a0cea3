"""A change of the objective, as the command and the demo make it: set, and followed until all go by it."""

from __future__ import annotations

from collections.abc import Callable

from core.clock import Clock
from core.errors import ConfigurationError, Unavailable
from ranking.objective import Objective
from ranking.objectives import Current, Objectives
from ranking.processes import ProcessReport, Reports, awaited


async def apply_objective(
    objectives: Objectives,
    wanted: Objective,
    seen: Current,
    reports: Reports | None,
    clock: Clock,
    say: Callable[[str], None],
) -> Objective:
    """Sets `wanted` in place of `seen` and waits for the serving processes; without `reports` none serve.

    Returns the one that applies, under its own version. Raises ConfigurationError where another one was set
    meanwhile, or one of the processes does not apply it.
    """
    made = await objectives.set(wanted, seen)
    label = made.objective.label
    if made == seen:
        say(f"{label} says the same already: nothing was changed")
        return made.objective
    if reports is None:
        say(f"{label} is set; no stack is running, the next one goes by it")
        return made.objective
    began_s = clock.monotonic_s()
    try:
        found = await awaited(reports, lambda one: one.objective_row >= made.row, clock)
    except Unavailable as exc:
        raise ConfigurationError(
            f"{label} is set, but who goes by it is not known: {exc}. "
            "The processes take it over by themselves."
        ) from exc
    applied = sum(one.objective == label for one in found)
    outcome = f"{applied} of {len(found)} in {1000 * (clock.monotonic_s() - began_s):.0f} ms"
    if applied < len(found):
        raise ConfigurationError(f"{label} is set, and {outcome} go by it: {_reasons(found)}")
    say(f"{label} applies: {outcome}" if found else f"{label} is set; no process serves")
    return made.objective


def _reasons(found: list[ProcessReport]) -> str:
    said = dict.fromkeys(one.objective_refused for one in found if one.objective_refused is not None)
    return "; ".join(said) or "the others say nothing, their logs may say more"
