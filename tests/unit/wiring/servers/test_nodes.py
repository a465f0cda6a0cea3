"""One process of a server: known by the lock that it holds, and signalled only as its holder."""

from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from wiring.servers.nodes import NodeDirectory, wait_for

PAUSE = [sys.executable, "-c", "import os, signal; print(os.getpid(), flush=True); signal.pause()"]
PATIENCE_S = 30.0


def test_a_node_says_which_process_it_is_as_long_as_it_runs(tmp_path: Path) -> None:
    node = NodeDirectory(tmp_path)
    assert node.pid() is None
    node.spawn(PAUSE, with_parent=True)
    assert wait_for(lambda: node.log_tail(1) == [str(node.pid())], PATIENCE_S)
    node.signal(signal.SIGKILL)
    assert node.exit_code() == -signal.SIGKILL
    assert node.await_end(PATIENCE_S)
    assert node.pid() is None


def test_a_pid_that_is_somebody_elses_by_now_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(PAUSE, stdout=subprocess.PIPE) as stranger:
        (tmp_path / "node.lock").write_text(f"{stranger.pid}\n")
        NodeDirectory(tmp_path).signal(signal.SIGKILL)
        stranger.terminate()
        assert stranger.wait() == -signal.SIGTERM


@pytest.mark.parametrize("said", [b"", b"0\n", b"-1\n", b"12", b"?\n"])
def test_who_does_not_say_which_process_it_is_gets_no_signal(said: bytes, tmp_path: Path) -> None:
    node, file = NodeDirectory(tmp_path, patience_s=0.0), tmp_path / "node.lock"
    file.write_bytes(said)
    with file.open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ConfigurationError, match=r"is left alone: `fuser .*node\.lock`.* end it by hand"):
            node.signal(signal.SIGKILL)
        with pytest.raises(ConfigurationError, match="not known"):
            node.spawn(PAUSE, with_parent=True)
    assert file.read_bytes() == said
    node.signal(signal.SIGKILL)  # It is gone: there is nobody to be asked for.


def test_a_start_forgets_the_former_process_before_it_holds_the_lock(tmp_path: Path) -> None:
    file = tmp_path / "node.lock"
    file.write_bytes(b"1\n")
    with file.open("rb") as looks:
        fcntl.flock(looks, fcntl.LOCK_SH)
        with pytest.raises(ConfigurationError, match="left alone"):
            NodeDirectory(tmp_path, patience_s=0.0).spawn(PAUSE, with_parent=True)
    assert file.read_bytes() == b""
