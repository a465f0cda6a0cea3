"""A stack whose processes end themselves at named points, and what must be true of that afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.live_stack import WITH_FAULTS, LiveStack, live_stack
from tests.faults.fault import Fault, environment_of, mark_of


def left(home: Path, faults: Sequence[Fault]) -> list[str]:
    """The faults that have not happened yet."""
    return [str(fault) for number, fault in enumerate(faults) if not mark_of(home, number).exists()]


@contextmanager
def faulty_stack(
    home: Path, faults: Sequence[Fault], environment: Mapping[str, str] | None = None
) -> Iterator[LiveStack]:
    """Once armed, the faults of each role happen one after the other, those of several at a time.

    A run in which one was not hit proves nothing, and fails.
    """
    home.mkdir(parents=True, exist_ok=True)
    told = {**(environment or {}), **environment_of(faults, home)}
    with live_stack(home, command=WITH_FAULTS, environment=told) as stack:
        yield stack
        for number, fault in enumerate(faults):
            mark = mark_of(home, number)
            assert mark.exists(), f"{fault} was never hit"
            # Whoever left the mark was killed by it, and another process does its work.
            stack.await_restart(fault.role, int(mark.read_text()))
        for role in {fault.role for fault in faults}:
            deaths = sum(fault.role == role for fault in faults)
            assert stack.words().count(f"{role} ended (signal SIGKILL)") == deaths
        assert stack.words().count(" ended (") == len(faults), stack.words()
