"""The data directory of an embedded stack: what lies where, and what a running stack says of itself."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from core.errors import ConfigurationError

READY_S = 30.0
"""How long the processes of a stack may take until they can serve."""
_LOCK_PATIENCE_S = 0.3


class StackState(msgspec.Struct, frozen=True):
    """What a running stack writes down for the other commands. It holds Redis' password: mode 0600.

    `settings` are the variables that its processes run with beyond what they were given: where its
    own servers are. `console_url` is "" where no console was started; `metrics_urls` has the address of
    each role's metrics.
    `own_redis` says that its Redis is its own too, and nobody else's.
    """

    pid: int
    api_url: str
    redis_url: str
    ready: bool
    settings: dict[str, str] = {}
    console_url: str = ""
    metrics_urls: dict[str, str] = {}
    own_redis: bool = False


_decoder = msgspec.json.Decoder(StackState)


@dataclass(frozen=True, slots=True)
class Home:
    """Paths only; nothing is made until somebody needs it."""

    root: Path

    @property
    def facts(self) -> Path:
        return self.root / "facts.db"

    @property
    def telemetry(self) -> Path:
        return self.root / "telemetry.db"

    @property
    def features(self) -> Path:
        return self.root / "features.db"

    @property
    def lake(self) -> Path:
        return self.root / "lake"

    @property
    def feast(self) -> Path:
        return self.root / "feast"

    @property
    def imports(self) -> Path:
        return self.root / "imports"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def servers(self) -> Path:
        return self.root / "servers"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def state_file(self) -> Path:
        return self.run / "stack.json"

    def state(self) -> StackState | None:
        """The running stack's own words; None where none runs here, whatever an older one left behind."""
        if not self._is_held():
            return None
        try:
            return _decoder.decode(self.state_file.read_bytes())
        except (FileNotFoundError, msgspec.MsgspecError):
            return None

    def write_state(self, state: StackState) -> None:
        write_private(self.state_file, msgspec.json.encode(state))

    def require_state(self) -> StackState:
        state = self.state()
        if state is None or not state.ready:
            raise ConfigurationError(
                f"no stack is running in {self.root}: start one with `rankfeed up`, or set RANKFEED_HOME"
            )
        return state

    @contextmanager
    def only_stack(self) -> Iterator[None]:
        """Holds the directory for one stack; raises ConfigurationError where another one has it."""
        self.run.mkdir(parents=True, exist_ok=True)
        with self._lock_file.open("w") as lock:
            end_s = time.monotonic() + _LOCK_PATIENCE_S
            while not _locks(lock, fcntl.LOCK_EX):
                # Somebody who only looks whether a stack is here holds it for a moment.
                if time.monotonic() > end_s:
                    raise ConfigurationError(
                        f"a stack is already running in {self.root}: stop it, or give this one another "
                        "RANKFEED_HOME"
                    )
                time.sleep(0.01)
            # What a stack that was killed left behind must not be taken for this one's words.
            self.state_file.unlink(missing_ok=True)
            try:
                yield
            finally:
                self.state_file.unlink(missing_ok=True)

    @contextmanager
    def only_demo(self) -> Iterator[None]:
        """Holds the directory for one demo; raises ConfigurationError where another one has it."""
        self.run.mkdir(parents=True, exist_ok=True)
        with (self.run / "demo.lock").open("w") as lock:
            if not _locks(lock, fcntl.LOCK_EX):
                raise ConfigurationError(
                    f"another demo is under way in {self.root}: wait for its end, or name another "
                    "RANKFEED_HOME, or none"
                )
            yield

    @property
    def _lock_file(self) -> Path:
        return self.run / "stack.lock"

    def _is_held(self) -> bool:
        try:
            with self._lock_file.open("r") as lock:
                return not _locks(lock, fcntl.LOCK_SH)
        except FileNotFoundError:
            return False


def _locks(file: IO[str], kind: int) -> bool:
    """Takes the lock, for as long as `file` is open; False where another process has it."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_private(path: Path, content: bytes) -> None:
    """Replaces a file at once; only its owner may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
