"""The console beside a stack: where it cannot be had the stack says so and goes on."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from wiring.console.child import start_console
from wiring.environment import load_settings
from wiring.home import Home, StackState
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


def test_one_that_does_not_start_leaves_its_port_and_its_address(tmp_path: Path) -> None:
    # A Python that finds nothing of its own ends at once.
    broken = {"PYTHONHOME": str(tmp_path)}
    home, said = Home(tmp_path), list[str]()
    supervisor = Supervisor(said.append, backoff_s=(0.0,))
    with ExitStack() as cleanup, home.only_stack():
        cleanup.callback(supervisor.stop)
        url = start_console(load_settings({}), broken, home, supervisor, cleanup, said.append)
        port = int(url.rpartition(":")[2])
        home.write_state(StackState(1, "", "", ready=True, console_url=url))
        socket.create_connection(("127.0.0.1", port)).close()
        supervisor.watch(lambda: any("left out" in line for line in said))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        state = home.state()
        assert state is not None
        assert (state.console_url, state.ready) == ("", True)


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        url, said = started({"RANKFEED_CONSOLE_PORT": str(port)}, tmp_path)
    assert url == ""
    assert said[0].startswith(f"no console: console cannot listen on 127.0.0.1:{port}")
    assert "RANKFEED_CONSOLE_PORT" in said[0]
