"""The objectives of the home feed in the control store: the one that applies, and all that ever did.

    objective/home            the one that applies; every process follows it
    objective/home/<version>  those before it, each written before it was replaced

The first row is the only thing that a change commits to, by compare-and-set. Where nothing was ever
set, version 1 applies, the preset `engagement`.
"""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from core.clock import Clock
from core.errors import ConfigurationError, Corrupt, UnknownVersion
from core.packing import MALFORMED
from ranking.bundle import format_time
from ranking.objective import ENGAGEMENT, VERSION, Objective
from stores.ports import ControlStore

KEY = "objective/home"
HISTORY = 100
"""How many versions a history shows at most; all of them are kept."""
_GIVEN_BY_THE_COMMAND = {"version": 0, "author": "", "reason": "", "set_at": ""}
_any_decoder = msgspec.json.Decoder()
_decoder = msgspec.json.Decoder(Objective)


class Current(NamedTuple):
    """The objective that applies, and the version of its row, 0 where there is none."""

    objective: Objective
    row: int


class Objectives:
    def __init__(self, control: ControlStore, clock: Clock) -> None:
        self._control = control
        self._clock = clock

    async def current(self) -> Current:
        """Raises Corrupt for a row that this code cannot read, Unavailable."""
        found = await self._control.get(KEY)
        if found is None:
            return Current(ENGAGEMENT, 0)
        try:
            return Current(decode_objective(found.value), found.version)
        except Corrupt as exc:
            raise type(exc)(
                f"the objective that was set last is of no use here: {exc}. Run the rankfeed that set it."
            ) from exc

    async def version(self, number: int) -> Objective:
        """Raises ConfigurationError where there is none of that number."""
        current, _ = await self.current()
        if number == current.version:
            return current
        found = await self._control.get(_key_of(number)) if 1 <= number < current.version else None
        if found is None:
            raise ConfigurationError(
                f"there is no objective of version {number}: there are 1 to {current.version}, see "
                "`rankfeed objective history`"
            )
        return decode_objective(found.value)

    async def history(self) -> list[Objective]:
        """The newest ones, oldest first, the one that applies last."""
        current, _ = await self.current()
        first = max(1, current.version - HISTORY + 1)
        former = await asyncio.gather(*map(self.version, range(first, current.version)))
        return [*former, current]

    async def set(self, wanted: Objective, seen: Current) -> Current:
        """Makes an objective of its contents, author and reason the next version, in place of `seen`.

        Unchanged where its contents are those of `seen`. Raises ConfigurationError where another one was
        set meanwhile.
        """
        if contents(wanted) == contents(seen.objective):
            return seen
        version = seen.objective.version + 1
        made = replace(wanted, version=version, set_at=format_time(self._clock.now_ms()))
        # False: it is there already. Only one objective ever had this number.
        await self._control.compare_and_set(
            _key_of(seen.objective.version), encode_objective(seen.objective), expected=0
        )
        if not await self._control.compare_and_set(KEY, encode_objective(made), expected=seen.row):
            # An answer that got lost may have been our own success.
            found, row = await self.current()
            if found != made:
                raise ConfigurationError(
                    f"another objective was set first, {found.label} by {found.author} ({found.reason}): "
                    "look at `rankfeed objective show` and try again"
                )
            return Current(found, row)
        return Current(made, seen.row + 1)


def contents(objective: Objective) -> Objective:
    """What an objective says, without who said it and when."""
    return replace(objective, version=0, author="", reason="", set_at="")


def encode_objective(objective: Objective) -> bytes:
    """As it is stored. Without `seen` where it says nothing of it: code of before there was any takes it."""
    document = msgspec.to_builtins(objective)
    if objective.seen is None:
        del document["seen"]
    return msgspec.json.encode(document)


def decode_objective(raw: bytes) -> Objective:
    """Raises UnknownVersion for a document of newer code, Corrupt for what is none."""
    try:
        _check_format(_any_decoder.decode(raw))
        return _decoder.decode(raw)
    except MALFORMED as exc:
        raise Corrupt(f"not an objective: {exc}") from exc


def read_draft(raw: bytes) -> Objective:
    """What somebody wrote; version, author, reason and time in it do not count. Raises ConfigurationError."""
    try:
        document = _any_decoder.decode(raw)
        _check_format(document)
        return _decoder.decode(msgspec.json.encode({**document, **_GIVEN_BY_THE_COMMAND}))
    except (*MALFORMED, UnknownVersion) as exc:
        raise ConfigurationError(f"objective: {exc}") from exc


def _check_format(document: Any) -> None:
    """Raises UnknownVersion, and ValidationError for what is no object."""
    if not isinstance(document, dict):
        raise msgspec.ValidationError("a JSON object is expected")
    said = document.get("objective", VERSION)
    if isinstance(said, int) and said != VERSION:
        raise UnknownVersion(f"its format is {said}; this code knows {VERSION}")


def _key_of(version: int) -> str:
    return f"{KEY}/{version}"
