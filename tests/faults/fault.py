"""Faults: where a process ends itself, and the marks it leaves, so that each happens once."""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

# No settings of the product: unknown names under its own prefix are refused, as they should be.
FAULTS = "FAULT_POINTS"
MARKS = "FAULT_MARKS"


@dataclass(frozen=True, slots=True)
class Fault:
    """SIGKILL of the process `role` before or after the n-th call of `point`, such as `tweets.create`.

    What the points are called: see `watched`.
    """

    role: str
    point: str
    when: str
    call: int

    def __str__(self) -> str:
        return f"{self.role}:{self.point}:{self.when}:{self.call}"

    @classmethod
    def parse(cls, text: str) -> Fault:
        role, point, when, call = text.split(":")
        if when not in ("before", "after"):
            raise ValueError(f"a fault is before or after a call, not {when!r}")
        return cls(role, point, when, int(call))


def environment_of(faults: Sequence[Fault], marks: Path) -> dict[str, str]:
    """What a stack is told: its faults, those of a role in their order, and where each leaves its mark."""
    return {FAULTS: ",".join(map(str, faults)), MARKS: str(marks)}


def mark_of(marks: Path, number: int) -> Path:
    return marks / f"fault-{number}"


def arm(marks: Path) -> None:
    """From here on the faults happen; calls until now do not count."""
    _armed(marks).touch()


def _armed(marks: Path) -> Path:
    return marks / "armed"


class Trigger:
    """Counts the calls of one point, once armed, and ends the process at the n-th."""

    def __init__(self, fault: Fault, mark: Path) -> None:
        self._fault = fault
        self._mark = mark
        self._armed = False
        self._began = 0
        self._ended = 0

    @classmethod
    def of(cls, environment: Mapping[str, str], role: str) -> Trigger | None:
        """The trigger of the role's first fault that is still to happen; None where there is none.

        The process that is started in a dead one's place finds its mark, and goes on to the next.
        """
        faults = environment.get(FAULTS, "")
        for number, text in enumerate(faults.split(",") if faults else ()):
            fault, mark = Fault.parse(text), mark_of(Path(environment[MARKS]), number)
            if fault.role == role and not mark.exists():
                return cls(fault, mark)
        return None

    async def around(self, point: str, call: Callable[[], Awaitable[T]]) -> T:
        self.before(point)
        result = await call()
        self.after(point)
        return result

    def within(self, point: str, call: Callable[[], T]) -> T:
        """The same for a call that waits by itself."""
        self.before(point)
        result = call()
        self.after(point)
        return result

    def before(self, point: str) -> None:
        if self._counts(point):
            self._began += 1
            if self._fault.when == "before" and self._began == self._fault.call:
                self._end()

    def after(self, point: str) -> None:
        if self._counts(point):
            self._ended += 1
            if self._fault.when == "after" and self._ended == self._fault.call:
                self._end()

    def _counts(self, point: str) -> bool:
        if point != self._fault.point:
            return False
        self._armed = self._armed or _armed(self._mark.parent).exists()
        return self._armed

    def _end(self) -> None:
        descriptor = os.open(self._mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        os.write(descriptor, str(os.getpid()).encode())
        os.fsync(descriptor)
        directory = os.open(self._mark.parent, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(directory)
        os.kill(os.getpid(), signal.SIGKILL)
