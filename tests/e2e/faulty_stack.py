"""A stack one of whose processes ends itself at a named point, and what must be true afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.live_stack import WITH_FAULTS, LiveStack, live_stack
from tests.faults.fault import Fault, environment_of, mark_of


def all_hit(home: Path, faults: Sequence[Fault]) -> bool:
    return all(mark_of(home, number).exists() for number in range(len(faults)))


@contextmanager
def faulty_stack(home: Path, *faults: Fault) -> Iterator[LiveStack]:
    """Faults happen one after the other. A run in which one was not hit proves nothing, and fails."""
    home.mkdir(parents=True, exist_ok=True)
    marks = [mark_of(home, number) for number in range(len(faults))]
    with live_stack(home, command=WITH_FAULTS, environment=environment_of(faults, home)) as stack:
        yield stack
        for fault, mark in zip(faults, marks, strict=True):
            assert mark.exists(), f"{fault} was never hit"
            # Whoever left the mark was killed by it, and another process does its work.
            stack.await_restart(fault.role, int(mark.read_text()))
        for role in {fault.role for fault in faults}:
            deaths = sum(fault.role == role for fault in faults)
            assert stack.words().count(f"{role} ended (signal SIGKILL)") == deaths
        assert stack.words().count(" ended (") == len(faults)
