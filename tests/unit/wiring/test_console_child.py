"""The console beside a stack: where it cannot be had the stack says so and goes on."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

from wiring.console_child import start_console
from wiring.home import Home
from wiring.settings import load_settings
from wiring.supervisor import Supervisor


def started(environment: dict[str, str], home: Path) -> tuple[str, list[str]]:
    said: list[str] = []
    supervisor = Supervisor(said.append)
    with ExitStack() as cleanup:
        cleanup.callback(supervisor.stop)
        settings = load_settings(environment)
        url = start_console(settings, {}, Home(home), supervisor, cleanup, said.append)
    return url, said


def test_who_wants_none_has_none(tmp_path: Path) -> None:
    assert started({"RANKFEED_CONSOLE_ENABLED": "false"}, tmp_path) == ("", [])


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        url, said = started({"RANKFEED_CONSOLE_PORT": str(port)}, tmp_path)
    assert url == ""
    assert said[0].startswith(f"no console: console cannot listen on 127.0.0.1:{port}")
    assert "RANKFEED_CONSOLE_PORT" in said[0]
