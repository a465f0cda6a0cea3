"""The product as a user starts it: `rankfeed up`, in a data directory of its own, from the outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import redis

from core.clock import SystemClock
from tests.e2e.distributed import outbox_is_empty
from tests.e2e.waiting import PATIENCE_S, wait_until
from wiring.draining import await_drained
from wiring.environment import PREFIX, load_settings
from wiring.home import Home, StackState
from wiring.keys import StackKeys, stack_keys
from wiring.resources import open_stores
from wiring.settings import Settings
from wiring.supervisor import die_with_parent

ROOT = Path(__file__).parents[2]
RANKFEED = (str(Path(sys.executable).with_name("rankfeed")),)
WITH_FAULTS = (sys.executable, "-m", "tests.faults.stack")
ROLES = ("api", "fanout", "pipelines")
STOP_S = 40.0
# The crowds of the tests act in the names of a few people.
UNLIMITED = {
    f"RANKFEED_LIMITS_{name}": "off" for name in ("POST", "ENGAGE", "FOLLOW", "PROFILE", "READ", "REPORT")
}
READY_S = 150.0

# It takes as long to start as all else together.
WITHOUT_CONSOLE = {"RANKFEED_CONSOLE_ENABLED": "false"}

# Many stacks share this machine, and a test waits for the pipelines of its own. What a stack's servers
# would gain by being compiled well they are gone before.
AT_ONCE = {"RANKFEED_PIPELINES_NICE": "0", "RANKFEED_SERVERS_LASTING": "false"}

# Where what is ranked is on trial, and not how much of it there is time for.
ALL_RANKED = {
    "RANKFEED_RANKING_WAITING": "1000",
    **{f"RANKFEED_RANKING_{name}_MS": "5000" for name in ("WAIT", "TARGET", "SLOW")},
}


class LiveStack:
    """A running stack; everything is asked of its files and ports, nothing of its memory."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        home: Path,
        output: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.process = process
        self.home = Home(home)
        self._environment = environment or {}
        self.state = StackState(process.pid, "", "", ready=False)
        self._output = output

    @property
    def url(self) -> str:
        return self.state.api_url

    @property
    def keys(self) -> StackKeys:
        return stack_keys(self.home)

    def words(self) -> str:
        """What the supervisor said so far."""
        return self._output.read_text()

    def token(self, user_id: int, *scopes: str) -> str:
        return self.keys.token(
            user_id=user_id,
            scopes=scopes or ("feed", "write"),
            audience="rankfeed",
            issued_s=int(time.time()),
            ttl_s=3600,
        )

    def redis(self) -> redis.Redis:
        """Its Redis; of a Cluster the node that is named first."""
        return redis.Redis.from_url(self.state.redis_url.partition(",")[0])

    def await_ready(self, patience_s: float = PATIENCE_S) -> None:
        def ready() -> bool:
            assert self.process.poll() is None, f"the stack ended:\n{self.words()}"
            state = self.home.state()
            if state is None or not state.ready:
                return False
            self.state = state
            return True

        # It gives up by itself, and says why; before that it may have to make tables and topics.
        wait_until("the stack is ready", ready, READY_S)

    def pid(self, role: str) -> int:
        """The process that runs a role now, as its own log says."""
        if role == "redis":
            with self.redis() as client:
                info = client.info("server")
            assert isinstance(info, dict)
            return int(info["process_id"])
        lines = (self.home.logs / f"{role}.log").read_text().splitlines()
        # Whoever wrote a line last; a line may still be in the making.
        pids = [json.loads(line)["pid"] for line in lines if line.startswith("{") and line.endswith("}")]
        return int(pids[-1])

    def pids(self) -> list[int]:
        """Its own processes; a Redis that was named to it is somebody else's."""
        own = ROLES if "RANKFEED_REDIS_URL" in self._environment else (*ROLES, "redis")
        return [self.process.pid, *(self.pid(role) for role in own), *self.api_pids()[1:]]

    def api_pids(self) -> list[int]:
        """Its API processes, the one that is called `api` first."""
        return [self.pid(f"api-{n}" if n else "api") for n in range(self.settings.api.processes)]

    def kill(self, role: str) -> int:
        """SIGKILLs a child; returns who it was."""
        pid = self.pid(role)
        os.kill(pid, signal.SIGKILL)
        return pid

    def await_restart(self, role: str, former: int) -> None:
        def restarted() -> bool:
            try:
                return self.pid(role) != former
            except redis.ConnectionError:
                return False

        wait_until(f"{role} was started again", restarted)

    @property
    def settings(self) -> Settings:
        """Those that its processes run with."""
        return load_settings(self.variables)

    @property
    def variables(self) -> dict[str, str]:
        """The settings that its processes run with, by their variables."""
        return {**self._environment, **self.state.settings}

    async def drained(self) -> None:
        """Returns once every write has been told of, and every consumer has caught up with the log."""
        clock, settings = SystemClock(), self.settings
        if settings.stack == "distributed":
            await outbox_is_empty(settings)
        async with open_stores(settings, self.home, clock) as stores:
            await await_drained(stores.log, clock, lambda said: None)

    def stop(self) -> None:
        """Stops it as an operator does: it ends well, and nothing is left behind."""
        pids = self.pids()
        self.process.terminate()
        assert self.process.wait(STOP_S) == 0, self.words()
        for pid in pids:
            wait_until(f"process {pid} is gone", lambda pid=pid: not alive(pid))  # type: ignore[misc]  # bound per turn
        assert self.home.state() is None


@contextmanager
def live_stack(
    home: Path,
    *,
    command: Sequence[str] = (*RANKFEED, "up"),
    environment: Mapping[str, str] | None = None,
    patience_s: float = PATIENCE_S,
) -> Iterator[LiveStack]:
    """A stack that is ready; where the test went well it is stopped well too, else just killed."""
    home.mkdir(parents=True, exist_ok=True)
    output = home / "up.log"
    with output.open("wb") as log:
        process = subprocess.Popen(
            command,
            env={
                **clean_environment(),
                "RANKFEED_HOME": str(home),
                **UNLIMITED,
                **WITHOUT_CONSOLE,
                **AT_ONCE,
                **(environment or {}),
            },
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            # A run of tests that is killed leaves no stack behind.
            preexec_fn=lambda: die_with_parent(signal.SIGTERM),
        )
    own = {name: value for name, value in (environment or {}).items() if name.startswith(PREFIX)}
    stack = LiveStack(process, home, output, own)
    try:
        stack.await_ready(patience_s)
        yield stack
        if process.poll() is None:
            stack.stop()
    finally:
        # Its children hold the other end of its pipe and go with it.
        process.kill()
        process.wait()


def clean_environment() -> dict[str, str]:
    """This environment without any setting of the product in it."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and waits for its parent does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    if not stat.parent.parent.exists():
        return True
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
