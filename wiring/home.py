"""The data directory of an embedded stack: what lies where, and what a running stack says of itself."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from core.errors import ConfigurationError


class StackState(msgspec.Struct, frozen=True):
    """What a running stack writes down for the other commands. It holds Redis' password: mode 0600."""

    pid: int
    api_url: str
    redis_url: str
    ready: bool


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
    def models(self) -> Path:
        return self.root / "models"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def state_file(self) -> Path:
        return self.run / "stack.json"

    def state(self) -> StackState | None:
        """The running stack's own words; None where none runs here."""
        try:
            state = msgspec.json.decode(self.state_file.read_bytes(), type=StackState)
            os.kill(state.pid, 0)
        except (FileNotFoundError, ProcessLookupError, msgspec.MsgspecError):
            return None
        except PermissionError:
            return None
        return state

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
        with (self.run / "stack.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                raise ConfigurationError(
                    f"a stack is already running in {self.root}: stop it, or give this one another "
                    "RANKFEED_HOME"
                ) from exc
            try:
                yield
            finally:
                self.state_file.unlink(missing_ok=True)


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
