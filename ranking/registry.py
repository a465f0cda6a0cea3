"""Changes which models there are, and has every serving process go by it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from core.clock import Clock
from core.errors import ConfigurationError, Corrupt
from ranking.admission import admitted
from ranking.bundle import load_bundle
from ranking.objective import check
from ranking.objectives import Objectives
from ranking.outcome import Outcome
from ranking.processes import ProcessReport, Reports
from ranking.registered import (
    MAX_CHALLENGERS,
    MODELS,
    Change,
    Entry,
    Kind,
    Registered,
    decode_registered,
    encode_registered,
)
from ranking.rollout import Rollout
from stores.ports import ControlStore

MAX_REASON = 500
_TRIES = 8


class Registry:
    """Every change is made by one compare-and-set: it happens whole or not at all.

    `reports` are the serving processes' own words; None where there is nobody to ask. `by` is whoever
    changes something.
    """

    def __init__(
        self, control: ControlStore, models: Path, clock: Clock, reports: Reports | None, *, by: str
    ) -> None:
        self._control = control
        self._models = models
        self._clock = clock
        self._rollout = None if reports is None else Rollout(reports, clock)
        self._by = by

    def bundles(self) -> list[tuple[str, str]]:
        """(name, version) of every bundle on disk, oldest version first."""
        return sorted(
            (path.parent.parent.name, path.parent.name) for path in self._models.glob("*/*/manifest.json")
        )

    async def registered(self) -> Registered:
        return (await self._read())[0]

    async def processes(self) -> list[ProcessReport]:
        """Raises Unavailable."""
        return [] if self._rollout is None else await self._rollout.processes()

    async def register(self, name: str, version: str, reason: str) -> Outcome:
        """Makes a bundle a challenger, loaded by every process when this returns.

        Raises ConfigurationError where it is not admitted, there are as many as may be, or a process
        refuses it: then it is no challenger.
        """
        _check_reason(reason)
        entry = await self._admitted(name, version, "registered")
        registered = await self.registered()
        if registered.champion == entry:
            raise ConfigurationError(f"{entry.label} is the champion: it needs not be registered")
        if entry not in registered.challengers:
            change = self._change("register", entry, reason)
            await self._apply(lambda one: one.with_challenger(entry, change))
        return await self._loaded_by_all(entry, "registered", withdraw=entry not in registered.challengers)

    async def retire(self, name: str, version: str, reason: str) -> None:
        """Ends a challenger; its bundle stays where it is. Raises ConfigurationError where it is none."""
        _check_reason(reason)
        label = f"{name}@{version}"
        change = self._change("retire", label, reason)
        await self._apply(lambda one: one.without_challenger(label, change))

    async def promote(
        self, name: str, version: str, reason: str, *, seen: Registered | None = None
    ) -> Outcome:
        """Makes a bundle the champion; registered before, if it is not, so that all have it loaded.

        Raises ConfigurationError where it is not admitted or a process refuses it, or where another one was
        promoted since somebody decided on what they had `seen`; the champion serves on.
        """
        _check_reason(reason)
        entry = await self._admitted(name, version, "promoted")
        await self._check_objective(entry)
        registered = await self.registered()
        _check_unchanged(registered, registered if seen is None else seen)
        if self._rollout is not None and entry != registered.champion:
            new = entry not in registered.wanted()
            if new:
                change = self._change("register", entry, "on the way to its promotion")
                # For a moment, and not one of those that stay.
                await self._apply(lambda one: one.with_challenger(entry, change, limit=MAX_CHALLENGERS + 1))
            await self._loaded_by_all(entry, "promoted", withdraw=new)
        change = self._change("promote", entry, reason)
        return await self._swapped(entry, lambda one: one.promoted(entry, change), registered)

    async def rollback(self, reason: str, *, seen: Registered | None = None) -> Outcome:
        """Back to the champion before, which every process still has loaded.

        Raises ConfigurationError where there is none, or its bundle is not what it was, or where another
        one was promoted since somebody decided on what they had `seen`.
        """
        _check_reason(reason)
        registered = await self.registered()
        _check_unchanged(registered, registered if seen is None else seen)
        entry = registered.before()
        found = await self._admitted(entry.name, entry.version, "rolled back to")
        if found != entry:
            raise ConfigurationError(
                f"{entry.label} cannot be rolled back to: its files are not those that served. Promote "
                "another one with `rankfeed models promote`."
            )
        change = self._change("rollback", entry, reason)
        return await self._swapped(entry, lambda one: one.rolled_back(change), registered)

    async def _swapped(
        self, entry: Entry, changed: Callable[[Registered], Registered], seen: Registered
    ) -> Outcome:
        """Swaps, where the champion is still the one that was `seen`, and waits for all."""
        began_s = self._clock.monotonic_s()

        def swap(one: Registered) -> Registered:
            _check_unchanged(one, seen)
            return changed(one)

        version = await self._apply(swap)
        if self._rollout is None:
            return Outcome(entry, 0, 0, 0.0)
        return await self._rollout.serving(entry, version, began_s)

    async def _loaded_by_all(self, entry: Entry, what: str, *, withdraw: bool) -> Outcome:
        began_s = self._clock.monotonic_s()
        if self._rollout is None:
            return Outcome(entry, 0, 0, 0.0)
        _, version = await self._read()
        outcome, fault = await self._rollout.loaded(entry, version, began_s)
        if fault:
            if withdraw:
                change = self._change("retire", entry, f"could not be {what}: {fault}"[:MAX_REASON])
                await self._apply(lambda one: one.without_challenger(entry.label, change))
            raise ConfigurationError(f"{entry.label} cannot be {what}: {fault}. The champion serves on.")
        return outcome

    async def _admitted(self, name: str, version: str, what: str) -> Entry:
        try:
            return await asyncio.to_thread(admitted, self._models, name, version)
        except Corrupt as exc:
            known = (
                ", ".join(f"{n}@{v}" for n, v in self.bundles()) or "none; train one with `rankfeed train`"
            )
            raise ConfigurationError(
                f"{name}@{version} cannot be {what}: {exc}. Bundles here: {known}."
            ) from exc

    async def _check_objective(self, entry: Entry) -> None:
        """Raises ConfigurationError where the model lacks a head that the objective of now weighs."""
        bundle = await asyncio.to_thread(load_bundle, self._models / entry.name / entry.version)
        try:
            objective = (await Objectives(self._control, self._clock).current()).objective
            check(objective, [head.name for head in bundle.manifest.heads])
        except Corrupt:
            # Of newer code: the processes go by the one before it.
            return
        except ConfigurationError as exc:
            raise ConfigurationError(
                f"{entry.label} cannot be promoted: {exc}. Set an objective that does without it "
                "(`rankfeed objective set`), or promote a model that has it. The champion serves on."
            ) from exc

    async def _apply(self, changed: Callable[[Registered], Registered]) -> int:
        """Writes what `changed` makes of what is there, and returns its version."""
        for _ in range(_TRIES):
            registered, version = await self._read()
            value = encode_registered(changed(registered))
            if await self._control.compare_and_set(MODELS, value, expected=version):
                return version + 1
        raise ConfigurationError("others change the models without a pause: try again in a moment")

    async def _read(self) -> tuple[Registered, int]:
        found = await self._control.get(MODELS)
        if found is None:
            return Registered(), 0
        try:
            return decode_registered(found.value), found.version
        except Corrupt as exc:
            raise ConfigurationError(f"{exc}: run the rankfeed that wrote it") from exc

    def _change(self, kind: Kind, of: Entry | str, reason: str) -> Change:
        label = of if isinstance(of, str) else of.label
        return Change(kind, label, self._clock.now_ms(), self._by, reason)


def _check_unchanged(now: Registered, seen: Registered) -> None:
    if (now.champion, now.former) == (seen.champion, seen.former):
        return
    changes = [one for one in now.history if one.kind in ("promote", "rollback")]
    who = f": {changes[-1].by} made {changes[-1].label} the champion" if changes else ""
    raise ConfigurationError(
        f"another promotion came first{who}. Look at what there is now, by `rankfeed models list`, and "
        "try again."
    )


def _check_reason(reason: str) -> None:
    if len(reason) > MAX_REASON:
        raise ConfigurationError(f"the reason has {len(reason)} characters; at most {MAX_REASON} are kept")
