"""A Redis that a test may stop, kill and start again on the same port."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import redis

from tests.e2e.waiting import wait_until
from wiring.home import Home
from wiring.process import listen
from wiring.redis_server import redis_command

_PASSWORD = "secret"


class OwnRedis:
    def __init__(self, home: Path) -> None:
        with listen("127.0.0.1", 0) as probe:
            port: int = probe.getsockname()[1]
        self._command = redis_command(Home(home), port, _PASSWORD)
        self.url = f"redis://:{_PASSWORD}@127.0.0.1:{port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        wait_until("Redis answers", self._answers)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def hang(self) -> None:
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def flush(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False
