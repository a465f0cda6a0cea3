"""A small demo that is left running, as `make demo ARGS="--small --keep"` does, until who asked is done."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.live_stack import RANKFEED, ROOT, clean_environment
from tests.e2e.waiting import wait_until
from wiring.supervisor import die_with_parent

PATIENCE_S = 300.0
STOP_S = 60.0
_LINK = re.compile(r"Compare feeds in a browser: (\S+)")


@dataclass(frozen=True, slots=True)
class KeptDemo:
    """`link` is the page that it tells of, `told` the file that it wrote its figures to."""

    process: subprocess.Popen[bytes]
    link: str
    told: Path
    output: Path

    def stop(self) -> int:
        """Ctrl-C; its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_S)


@contextmanager
def kept_demo(home: Path) -> Iterator[KeptDemo]:
    """One in `home`, once it says where its page is; it ends with whoever asked."""
    home.mkdir(parents=True)
    output, told = home / "demo.log", home / "told.json"
    with output.open("wb") as log:
        process = subprocess.Popen(
            [*RANKFEED, "demo", "--small", "--keep", "--json", str(told)],
            env={**clean_environment(), "RANKFEED_HOME": str(home)},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(signal.SIGTERM),
        )

    def link() -> str | None:
        found = _LINK.search(output.read_text(errors="replace"))
        return None if found is None else found[1]

    def told_of() -> bool:
        assert process.poll() is None, output.read_text(errors="replace")
        return link() is not None

    try:
        wait_until("the demo tells of its page", told_of, PATIENCE_S)
        yield KeptDemo(process, link() or "", told, output)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(STOP_S)
