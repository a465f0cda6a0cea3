"""The processes of a server: started, looked at, ended; known by a lock that each holds while it lives."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import msgspec

from wiring.supervisor import die_with_parent

LOOK_EVERY_S = 0.05
_LOCK_S = 10.0


class NodeState(msgspec.Struct, frozen=True):
    """One process of a server. `ports` by use; `client` is the one that clients connect to."""

    index: int
    host: str
    ports: dict[str, int]
    pid: int = 0

    @property
    def address(self) -> str:
        return f"{self.host}:{self.ports['client']}"


class ServerState(msgspec.Struct, frozen=True):
    """What a server's directory says about it. `size` is what `--nodes` was."""

    name: str
    size: int
    nodes: list[NodeState]


class NodeDirectory:
    """Where one node keeps everything: `node.log`, its configuration and its data."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log = root / "node.log"
        self.data = root / "data"
        self._lock = root / "node.lock"

    def spawn(self, command: Sequence[str], *, with_parent: bool) -> int:
        """Starts the node and returns its pid. `with_parent`: it is killed when this thread's process ends.

        It inherits a locked file. As long as the lock is held it lives, whoever asks; a pid that
        another process has got since then is never mistaken for it.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with self._lock.open("w") as lock, self.log.open("wb") as log:
            # Whoever looks whether it runs holds the lock for a moment, too.
            wait_for(lambda: _locked(lock, fcntl.LOCK_EX), _LOCK_S)
            process = subprocess.Popen(
                command,
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock.fileno(),),
                start_new_session=True,
                preexec_fn=(lambda: die_with_parent(signal.SIGKILL)) if with_parent else None,
            )
        _children[process.pid] = process
        return process.pid

    def is_running(self) -> bool:
        try:
            with self._lock.open() as lock:
                return not _locked(lock, fcntl.LOCK_SH)
        except FileNotFoundError:
            return False

    def signal(self, pid: int, number: signal.Signals) -> None:
        if self.is_running():
            os.kill(pid, number)

    def await_end(self, pid: int, timeout_s: float) -> bool:
        """Whether it ended in time; a child of ours is reaped."""
        ended = wait_for(lambda: not self.is_running(), timeout_s)
        if ended and (process := _children.pop(pid, None)) is not None:
            process.wait()
        return ended

    def exit_code(self, pid: int) -> int | None:
        """How it ended, where that can be known: only the process that started it can."""
        process = _children.get(pid)
        return None if process is None else process.wait()

    def log_tail(self, lines: int) -> list[str]:
        try:
            said = self.log.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return []
        return said[-lines:] if lines else []


# Popen objects of nodes that this process started, by pid: somebody has to wait for a child that ended.
_children: dict[int, subprocess.Popen[bytes]] = {}


def _locked(file: TextIO, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Waits until no other process is inside with the same file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def wait_for(done: Callable[[], bool], timeout_s: float) -> bool:
    """Looks every 50 ms; False where the time ran out."""
    end_s = time.monotonic() + timeout_s
    while not done():
        if time.monotonic() > end_s:
            return False
        time.sleep(LOOK_EVERY_S)
    return True
