"""Serving processes that take over a change to the models, waited for by whoever makes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.clock import Clock
from core.errors import ConfigurationError, Unavailable
from ranking.outcome import Outcome
from ranking.processes import PATIENCE_S, ProcessReport, Reports, awaited
from ranking.registered import Entry


class Rollout:
    """A change is a version of the registered models; it began at `began_s`, by the monotonic clock."""

    def __init__(self, reports: Reports, clock: Clock) -> None:
        self._reports = reports
        self._clock = clock

    async def processes(self) -> list[ProcessReport]:
        """Raises Unavailable."""
        return await self._reports()

    async def loaded(self, entry: Entry, version: int, began_s: float) -> tuple[Outcome, str]:
        """Waits until all have loaded a bundle; where that fails also why, else ""."""
        try:
            reports = await self._awaited(version, lambda one: entry.mark in (*one.loaded, *one.refusals))
        except Unavailable as exc:
            why = f"which processes can load it is not known: {exc}"
            return Outcome(entry, 0, 0, self._ms_since(began_s)), why
        loaded = sum(entry.mark in one.loaded for one in reports)
        outcome = Outcome(entry, loaded, len(reports), self._ms_since(began_s))
        if loaded == len(reports):
            return outcome, ""
        silent = f"{loaded} of {len(reports)} processes loaded it within {PATIENCE_S:.0f} s"
        return outcome, _refusals(reports, entry) or silent

    async def serving(self, entry: Entry, version: int, began_s: float) -> Outcome:
        """Waits until all serve by a bundle that is the champion.

        Raises ConfigurationError where some do not, or nobody knows.
        """
        try:
            reports = await self._awaited(version, lambda one: entry.mark in (one.serves, *one.refusals))
        except Unavailable as exc:
            raise ConfigurationError(
                f"{entry.label} is the champion, but who runs it is not known: {exc}. "
                "The processes take it over by themselves."
            ) from exc
        serving = sum(one.serves == entry.mark for one in reports)
        outcome = Outcome(entry, serving, len(reports), self._ms_since(began_s))
        if serving < len(reports):
            raise ConfigurationError(
                f"{entry.label} is the champion, and {outcome.words} run it: "
                f"{_refusals(reports, entry) or 'the others say nothing'}; their logs say more"
            )
        return outcome

    async def _awaited(self, version: int, done: Callable[[ProcessReport], bool]) -> list[ProcessReport]:
        """The reports, once all of them go by the version and are done, or time is up."""
        return await awaited(self._reports, lambda one: one.registry >= version and done(one), self._clock)

    def _ms_since(self, began_s: float) -> float:
        return 1000 * (self._clock.monotonic_s() - began_s)


def _refusals(reports: Sequence[ProcessReport], entry: Entry) -> str:
    """Each reason once, and of how many processes."""
    reasons = [one.refusals[entry.mark] for one in reports if entry.mark in one.refusals]
    return "; ".join(
        f"{reasons.count(reason)} of {len(reports)} processes refuse it: {reason}"
        for reason in dict.fromkeys(reasons)
    )
