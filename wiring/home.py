"""The data directory of an embedded stack: what lies where, and what a running stack says of itself."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
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

    @contextlib.contextmanager
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

    @contextlib.contextmanager
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
    with _beside(path, content) as fresh:
        fresh.replace(path)


def kept_private(path: Path, make: Callable[[], bytes]) -> bytes:
    """What a private file holds, made where there is none yet: all who make it at once get the same."""
    if not path.exists():
        # Unlike a rename, a link leaves what is there: the first one's.
        with _beside(path, make()) as fresh, contextlib.suppress(FileExistsError):
            os.link(fresh, path)
    return path.read_bytes()


@contextlib.contextmanager
def _beside(path: Path, content: bytes) -> Iterator[Path]:
    """A whole file of a name of its own, gone afterwards, that nobody but its owner may read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
