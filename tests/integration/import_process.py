"""An import as a process of its own, which may end itself at a step.

    python -m tests.integration.import_process FILES DATASET

A step is a call to a store or to the log; which one, the environment of `tests.faults` says. Where the
environment names INTERRUPTED_AT, the end of a line of progress, it is as if Ctrl-C came there.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.fakes import FakeClock
from tests.faults.fault import Trigger
from tests.faults.watched import Watched, watched_log
from tests.integration.import_stack import Stack
from tests.unit.interchange.datasets import NOW_MS

ROLE = "import"
INTERRUPTED_AT = "IMPORT_INTERRUPTED_AT"


def report(line: str) -> None:
    if line.endswith(os.environ.get(INTERRUPTED_AT, "\0")):
        os.kill(os.getpid(), signal.SIGINT)


async def main(files: Path, dataset: Path) -> None:
    stack = Stack.open(files, FakeClock(NOW_MS))
    trigger = Trigger.of(os.environ, ROLE)
    if trigger is not None:
        names = ("users", "graph", "tweets", "engagements", "control")
        ports: dict[str, Any] = {name: Watched(getattr(stack.targets, name), name, trigger) for name in names}
        log = watched_log(stack.targets.log, "log", trigger)
        stack = replace(stack, targets=replace(stack.targets, **ports, log=log))
    try:
        await stack.run(dataset, report=report)
    finally:
        stack.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
