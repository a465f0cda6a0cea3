"""Children that are not needed: whoever cannot start is left out, and nobody else notices."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wiring.supervisor import DYING_AFTER, Child, Supervisor


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(said: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(said.append, backoff_s=(0.0,))
    yield supervisor
    supervisor.stop()


def child(name: str, program: str, tmp_path: Path, *, needed: bool) -> Child:
    command = (sys.executable, "-S", "-c", program)
    return Child(name, command, {}, tmp_path / f"{name}.log", needed=needed)


def test_one_that_is_not_needed_is_left_out(supervisor: Supervisor, said: list[str], tmp_path: Path) -> None:
    supervisor.start(child("api", "import time; time.sleep(60)", tmp_path, needed=True))
    supervisor.start(child("console", "raise SystemExit('no module')", tmp_path, needed=False))
    supervisor.watch(lambda: len(said) == DYING_AFTER)
    assert supervisor.dying() is None
    assert said[-1].startswith("console does not start (exit code 1) and is left out; all else goes on.")
    assert str(tmp_path / "console.log") in said[-1]
    api = supervisor.pid("api")
    for _ in range(3):
        supervisor.look()
    assert (supervisor.pid("api"), len(said)) == (api, DYING_AFTER)


def test_one_that_is_needed_is_told_of(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(child("api", "raise SystemExit(1)", tmp_path, needed=True))
    supervisor.watch(lambda: supervisor.dying() is not None)
    dying = supervisor.dying()
    assert dying is not None
    assert dying.name == "api"
