"""Ctrl-C in the midst of a demo: it ends at once, though a thread is training, and leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import msgspec

from tests.e2e.live_stack import RANKFEED, ROOT, STOP_S, alive, clean_environment
from tests.e2e.waiting import wait_until
from wiring.home import StackState
from wiring.interrupted import EXIT_CODE


def test_a_demo_that_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [*RANKFEED, "demo", "--small"],
        env={**clean_environment(), "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        assert demo.stdout is not None
        assert any("Training on" in line for line in demo.stdout)
        (state_file,) = tmp_path.glob("rankfeed-demo-*/run/stack.json")
        stack = msgspec.json.Decoder(StackState).decode(state_file.read_bytes())
        # As the terminal does it, and somebody who is impatient.
        for _ in range(2):
            os.killpg(demo.pid, signal.SIGINT)
        said, _ = demo.communicate(timeout=STOP_S)
    finally:
        demo.kill()
        demo.wait()
    assert demo.returncode == EXIT_CODE, said
    assert said.endswith("stopped\n")
    assert "Traceback" not in said
    wait_until("its stack is gone", lambda: not alive(stack.pid))
    assert list(tmp_path.glob("rankfeed-demo-*")) == []
