"""Processes that are forked off one which has imported their modules already.

Runs of kills start some hundred of them, and imports are most of a start. A fork is a process like any
other: killed alone, with descriptors, logs, an event loop and connections of its own. It has no thread but
one, so modules that start some when they are imported (onnxruntime, polars) are left to each.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess

from wiring.supervisor import Child, Process, die_with_parent, run

COMMAND = ("-m", "tests.faults.entry")
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.faults.imported"])


def fork(child: Child) -> Process:
    """A process of `tests.faults.entry`; what has another command (Redis) is run as ever."""
    if tuple(child.command[1:3]) != COMMAND:
        return run(child)
    child.log_file.parent.mkdir(parents=True, exist_ok=True)
    with child.log_file.open("ab") as log:
        descriptors = {number: Connection(os.dup(number)) for number in (log.fileno(), *child.pass_fds)}
        arguments = (child.command[3:], child.environment, log.fileno(), descriptors, child.on_parent_death)
        process = _FORKS.Process(target=_become, args=arguments, name=child.name, daemon=True)
        process.start()
    for descriptor in descriptors.values():
        descriptor.close()
    return _Forked(process)


class _Forked:
    def __init__(self, process: ForkServerProcess) -> None:
        assert process.pid is not None
        self._process = process
        self.pid = process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if (code := self.poll()) is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _become(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    log: int,
    descriptors: Mapping[int, Connection],
    on_parent_death: signal.Signals,
) -> None:
    """The command in this process: its streams, its environment, its descriptors under the numbers here."""
    from tests.faults.entry import main

    os.setsid()
    die_with_parent(on_parent_death)
    for stream in (1, 2):
        os.dup2(descriptors[log].fileno(), stream)
    os.environ.clear()
    os.environ.update(environment)
    here = {str(number): str(os.dup(descriptor.fileno())) for number, descriptor in descriptors.items()}
    for descriptor in descriptors.values():
        descriptor.close()
    main([here.get(argument, argument) for argument in arguments])
