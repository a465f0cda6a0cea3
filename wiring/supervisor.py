"""The supervisor: starts children, restarts what dies, and takes all of them with it.

Children hold the reading end of a pipe whose writing end only the supervisor has: however it ends,
they see the pipe close and stop. On Linux the kernel signals them as well.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

BACKOFF_S = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
HEALTHY_AFTER_S = 10.0
DYING_AFTER = 3
STOP_S = 10.0
LOOK_EVERY_S = 0.05

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Child:
    """What to run; `pass_fds` stay open in it.

    `on_parent_death` is the kernel's signal to it when the supervisor is gone, `on_stop` ours. One that is
    not `needed` is left alone after it died early three times in a row: the others do without it, and
    `left_out` is called.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log_file: Path
    pass_fds: tuple[int, ...] = ()
    on_parent_death: signal.Signals = signal.SIGTERM
    on_stop: signal.Signals = signal.SIGTERM
    needed: bool = True
    left_out: Callable[[], None] | None = None


class Process(Protocol):
    """What is asked of a process, as `subprocess.Popen` has it."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, number: int, /) -> None: ...

    def kill(self) -> None: ...


@dataclass(slots=True)
class _Running:
    child: Child
    process: Process
    started_s: float
    failures: int
    restart_at_s: float = field(default=0.0)
    left: bool = False


class Supervisor:
    """Runs children in the order given and stops them in the reverse order. For one thread.

    `spawn` starts a process for a child; None: `run`.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        backoff_s: Sequence[float] = BACKOFF_S,
        spawn: Callable[[Child], Process] | None = None,
    ) -> None:
        self._say = say
        self._backoff_s = backoff_s
        self._spawn = spawn or run
        self._running: dict[str, _Running] = {}
        self.lifeline, self._held = os.pipe()

    def start(self, child: Child) -> None:
        self._running[child.name] = _Running(child, self._spawn(child), time.monotonic(), 0)

    def pid(self, name: str) -> int:
        return self._running[name].process.pid

    def dying(self) -> Child | None:
        """A child that is needed and died early, three times in a row."""
        dying = (one.child for one in self._running.values() if one.failures >= DYING_AFTER)
        return next((child for child in dying if child.needed), None)

    def look(self) -> None:
        """Restarts what died, sooner or later: each early death doubles the wait."""
        now_s = time.monotonic()
        for running in self._running.values():
            code = running.process.poll()
            if code is None or running.left:
                continue
            name = running.child.name
            if not running.restart_at_s:
                lived_s = now_s - running.started_s
                running.failures = 0 if lived_s > HEALTHY_AFTER_S else running.failures + 1
                if running.failures >= DYING_AFTER and not running.child.needed:
                    running.left = True
                    self._say(
                        f"{name} does not start ({_ending(code)}) and is left out; all else goes on. "
                        f"What it said: {running.child.log_file}"
                    )
                    if running.child.left_out is not None:
                        running.child.left_out()
                    continue
                waits_s = self._backoff_s
                wait_s = waits_s[min(running.failures, len(waits_s)) - 1] if running.failures else 0.0
                running.restart_at_s = now_s + wait_s
                self._say(f"{name} ended ({_ending(code)}); see {running.child.log_file}. Restarting it.")
            if now_s >= running.restart_at_s:
                running.process = self._spawn(running.child)
                running.started_s, running.restart_at_s = now_s, 0.0

    def watch(self, until: Callable[[], bool]) -> None:
        while not until():
            self.look()
            time.sleep(LOOK_EVERY_S)

    def stop(self) -> None:
        """Stops the children, last started first; what does not end within 10 s is killed."""
        for running in reversed(self._running.values()):
            if running.process.poll() is None:
                running.process.send_signal(running.child.on_stop)
                try:
                    running.process.wait(STOP_S)
                except subprocess.TimeoutExpired:
                    self._say(f"{running.child.name} did not stop in {STOP_S:.0f} s; killing it")
                    running.process.kill()
                    running.process.wait()
        self._running.clear()
        os.close(self._held)
        os.close(self.lifeline)


def run(child: Child) -> subprocess.Popen[bytes]:
    """A process of the child's own command."""
    child.log_file.parent.mkdir(parents=True, exist_ok=True)
    with child.log_file.open("ab") as log:
        return subprocess.Popen(
            child.command,
            env=dict(child.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=child.pass_fds,
            # A group of its own: Ctrl-C at the terminal is the supervisor's to handle.
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(child.on_parent_death),
        )


def die_with_parent(number: signal.Signals) -> None:
    """Asks the kernel for a signal when the parent ends (Linux; elsewhere the pipe has to do)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number.value)


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
