"""The processes of a server: started, looked at, ended; known by a lock that each holds while it lives."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from core.errors import ConfigurationError
from wiring.supervisor import die_with_parent

LOOK_EVERY_S = 0.05


class NodeState(msgspec.Struct, frozen=True, omit_defaults=True):
    """One process of a server. `ports` by use; `client` is the one that clients connect to.

    `pid` is 0 where it does not run. It is not written down here: the node itself says it.
    """

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
    """Where one node keeps everything: `node.log`, its configuration and its data.

    `node.lock` is held by the node as long as it lives, and has its pid.
    """

    def __init__(self, root: Path, patience_s: float = 10.0) -> None:
        """`patience_s` is for what others do with the lock in a moment."""
        self.root = root
        self.log = root / "node.log"
        self.data = root / "data"
        self._lock = root / "node.lock"
        self._patience_s = patience_s

    def spawn(self, command: Sequence[str], *, with_parent: bool) -> None:
        """Starts the node. `with_parent`: it is killed when this thread's process ends.

        It inherits the locked file and writes its pid there before it becomes `command`: also where
        the starter is killed at that moment, whoever finds the lock held knows by whom. Raises
        ConfigurationError where another process has the lock, or none can be started.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with self._lock.open("ab", buffering=0) as lock, self.log.open("wb") as log:
            # Shared at first, as by those who only look: nobody ever finds it held with a former node's pid.
            self._take(lock, fcntl.LOCK_SH)
            lock.truncate(0)
            self._take(lock, fcntl.LOCK_EX)

            def begin() -> None:
                if with_parent:
                    die_with_parent(signal.SIGKILL)
                os.write(lock.fileno(), b"%d\n" % os.getpid())

            try:
                process = subprocess.Popen(
                    command,
                    cwd=self.root,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(lock.fileno(),),
                    start_new_session=True,
                    preexec_fn=begin,
                )
            except (OSError, subprocess.SubprocessError) as exc:
                raise ConfigurationError(
                    f"{command[0]} cannot be started in {self.root} ({exc}): look whether there is room on "
                    "the disk and memory for one more process"
                ) from exc
        _children[process.pid] = process

    def is_running(self) -> bool:
        try:
            with self._lock.open("rb") as lock:
                return not _locked(lock, fcntl.LOCK_SH)
        except FileNotFoundError:
            return False

    def pid(self) -> int | None:
        """Of the process that holds the lock; None where none does.

        Raises ConfigurationError where it is held and does not say by whom.
        """
        # Whoever starts the node holds it for a moment before its pid is there.
        wait_for(lambda: not self.is_running() or self._written() is not None, self._patience_s)
        if not self.is_running():
            return None
        if (pid := self._written()) is None:
            raise self._held()
        return pid

    def signal(self, number: signal.Signals) -> None:
        """To the node if it runs; to nobody else, whoever has its former pid. Raises as `pid` does."""
        if (pid := self.pid()) is not None:
            # It may end before it gets it.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def await_end(self, timeout_s: float) -> bool:
        """Whether it ended in time; a child of ours is reaped."""
        ended = wait_for(lambda: not self.is_running(), timeout_s)
        if ended and (process := _children.pop(self._written() or 0, None)) is not None:
            process.wait()
        return ended

    def exit_code(self) -> int | None:
        """How it ended, where that can be known: only the process that started it can."""
        process = _children.get(self._written() or 0)
        return None if process is None else process.wait()

    def log_tail(self, lines: int) -> list[str]:
        try:
            said = self.log.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return []
        return said[-lines:] if lines else []

    def _written(self) -> int | None:
        """The pid of the node that runs, or ran last; None where none is there, or none that can be one."""
        try:
            said = self._lock.read_bytes()
        except FileNotFoundError:
            return None
        return int(said) if re.fullmatch(rb"[1-9][0-9]*\n", said) else None

    def _take(self, lock: IO[bytes], kind: int) -> None:
        if not wait_for(lambda: _locked(lock, kind), self._patience_s):
            raise self._held()

    def _held(self) -> ConfigurationError:
        return ConfigurationError(
            f"a process that is not known runs in {self.root} and is left alone: `fuser {self._lock}` or "
            f"`lsof {self._lock}` names it; end it by hand (`kill`), then run the same command again"
        )


# Popen objects of nodes that this process started, by pid: somebody has to wait for a child that ended.
_children: dict[int, subprocess.Popen[bytes]] = {}


def _locked(file: IO[bytes], kind: int) -> bool:
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
