"""A stack as its operator has it: stopped and started again, with the commands that look after it."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from core.clock import SystemClock
from eventlog.log import OperatedLog
from tests.e2e.command import Ended, rankfeed
from tests.e2e.live_stack import RANKFEED, ROOT, STOP_S, LiveStack, clean_environment, live_stack
from wiring.cli.operated_log import open_log
from wiring.environment import load_settings


class Operated:
    """`environment` names servers of the tests', Redis among them: it outlives the stack."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.home = home
        self.environment = {**environment, "RANKFEED_HOME": str(home)}
        self._running = ExitStack()
        self.stack = self._start()

    def stop(self) -> None:
        self.stack.process.terminate()
        assert self.stack.process.wait(STOP_S) == 0, self.stack.words()
        self._running.close()

    def start(self) -> None:
        self.stack = self._start()

    def close(self) -> None:
        if self.stack.process.poll() is None:
            self.stop()

    def rankfeed(self, *arguments: str) -> Ended:
        """Runs a command to its end."""
        return rankfeed(*arguments, home=self.home, environment=self.environment)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts a command; what it prints can be read meanwhile."""
        return subprocess.Popen(
            [*RANKFEED, *arguments],
            env={**clean_environment(), **self.environment},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @asynccontextmanager
    async def open_log(self) -> AsyncIterator[OperatedLog]:
        async with open_log(load_settings(self.environment), SystemClock()) as log:
            yield log

    def _start(self) -> LiveStack:
        return self._running.enter_context(live_stack(self.home, environment=self.environment))
