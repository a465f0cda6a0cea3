"""Ctrl-C while jars come from a server that takes its time: the command ends, and trusts nothing of it."""

from __future__ import annotations

import os
import signal
import socketserver
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.live_stack import RANKFEED, ROOT, clean_environment
from tests.e2e.waiting import PATIENCE_S, wait_until

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/java-archive\r\nContent-Length: 1000000\r\n\r\n"


class StuckRepository:
    """Begins to answer whoever asks, and never comes to an end."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._ended = threading.Event()
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                outer.asked.append(self.rfile.readline().decode())
                self.wfile.write(HEAD + b"PK")
                self.wfile.flush()
                outer._ended.wait()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def was_asked(self, times: int) -> bool:
        return len(self.asked) >= times

    def close(self) -> None:
        self._ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def repository() -> Iterator[StuckRepository]:
    repository = StuckRepository()
    yield repository
    repository.close()


@pytest.fixture
def environment(tmp_path: Path, repository: StuckRepository) -> dict[str, str]:
    """A user whose own configuration names the repository, and who has downloaded nothing so far."""
    mirror = tmp_path / ".config" / "jgo.conf"
    mirror.parent.mkdir()
    mirror.write_text(f"[repositories]\nmirror = {repository.url}\n")
    return clean_environment() | {
        "HOME": str(tmp_path),
        "RANKFEED_HOME": str(tmp_path / "home"),
        "RANKFEED_SERVERS_CACHE": str(tmp_path / "cache"),
        # The proxy of the machine that this runs on has nothing to do with it.
        "NO_PROXY": "*",
        "no_proxy": "*",
    }


@pytest.mark.parametrize(
    ("arguments", "code", "last"),
    [
        (("servers", "up", "kafka"), 1, "Aborted!"),
        (("up", "--stack", "distributed"), 0, "stopping"),
    ],
)
def test_ctrl_c_ends_it(
    tmp_path: Path,
    repository: StuckRepository,
    environment: dict[str, str],
    arguments: tuple[str, ...],
    code: int,
    last: str,
) -> None:
    # Twice: what the first start left is not taken for a jar by the second one, which asks again.
    for number in (1, 2):
        said = interrupted(arguments, environment, partial(repository.was_asked, 6 * number))
        assert said.returncode == code, said.stdout
        assert said.stdout.splitlines()[-1] == last
        assert "Traceback" not in said.stdout
        assert not list((tmp_path / "cache").glob("jars/*/*"))


def interrupted(
    arguments: tuple[str, ...], environment: dict[str, str], under_way: Callable[[], bool]
) -> subprocess.CompletedProcess[str]:
    """Runs `rankfeed ARGUMENTS` and presses Ctrl-C once its downloads are under way."""
    with ExitStack() as cleanup:
        process = cleanup.enter_context(
            subprocess.Popen(
                [*RANKFEED, *arguments],
                env=environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        )
        cleanup.callback(process.kill)
        wait_until("jars are on their way", under_way)
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=PATIENCE_S)
        return subprocess.CompletedProcess(arguments, process.returncode, said)
