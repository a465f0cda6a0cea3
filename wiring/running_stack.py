"""A running stack for a command that needs one: the one that is there, or one for the time being."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from core.errors import ConfigurationError
from wiring.environment import overlaid, variable_of
from wiring.home import READY_S, Home, StackState
from wiring.settings import Settings
from wiring.supervisor import die_with_parent

STOP_S = 30.0
_LOOK_EVERY_S = 0.05
_ERROR = "Error: "
"""How a command begins what it ends with."""


@contextmanager
def running_stack(
    home: Home, environment: Mapping[str, str], say: Callable[[str], None], *, console: bool = False
) -> Iterator[StackState]:
    """The stack of `home`; where none runs, one is started and stopped again at the end, with a console
    where that is wanted.

    Raises ConfigurationError, with the stack's own words, where it does not come up.
    """
    if home.state() is not None:
        yield _await_other(home)
        return
    say(f"starting a stack in {home.root}")
    own = {} if console else {variable_of(("console", "enabled")): "false"}
    output = home.logs / "up.log"
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "wiring.cli", "up"],
            # It is gone again with the command: its servers need not last, unless somebody says so.
            env={
                variable_of(("servers", "lasting")): "false",
                **environment,
                **own,
                variable_of(("home",)): str(home.root),
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(signal.SIGTERM),
        )
    try:
        yield _await_own(home, process, output, say)
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_other(home: Home) -> StackState:
    """The state of a stack that somebody else started, once it is ready."""
    end_s = time.monotonic() + READY_S
    while time.monotonic() < end_s:
        state = home.state()
        if state is not None and state.ready:
            return state
        time.sleep(_LOOK_EVERY_S)
    raise ConfigurationError(
        f"the stack in {home.root} is not ready after {READY_S:.0f} s; its logs are in {home.logs}"
    )


def _await_own(
    home: Home, process: subprocess.Popen[bytes], output: Path, say: Callable[[str], None]
) -> StackState:
    """The state of the stack that we started. It knows itself when to give up: a first start downloads."""
    said = 0
    while process.poll() is None:
        lines = output.read_text(errors="replace").splitlines()
        state = home.state()
        if state is not None and state.ready and state.pid == process.pid:
            return state
        # Its last words are the error's, and said once.
        progress = [line for line in lines if not line.startswith(_ERROR)]
        for line in progress[said:]:
            say(f"  {line}")
        said = len(progress)
        time.sleep(_LOOK_EVERY_S)
    words = output.read_text(errors="replace").strip()
    raise ConfigurationError(f"the stack did not start:\n{words}")


def this_environment() -> Mapping[str, str]:
    """The environment that a child inherits; read here, because only the wiring reads it."""
    return dict(os.environ)


def as_running(settings: Settings) -> Settings:
    """The settings as the stack of this home runs with them, where one runs: its servers are its own."""
    state = Home(settings.home).state()
    return settings if state is None else overlaid(settings, state.settings)
