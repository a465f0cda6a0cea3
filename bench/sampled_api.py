"""A stack whose API process notes where its CPU time goes: each tick of SIGPROF is one sample.

`python -m bench.sampled_api up` is the stack; its API process samples from SIGUSR1 to SIGUSR2, and then
writes to the file named by BENCH_SAMPLES, as JSON, what CPU time its main thread used between two ticks
in each chain of source files, the innermost first: while a model runs on its own thread, the main one
may be idle. The clock of a busy machine lies; CPU time does so much less.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path
from types import FrameType

import click

from wiring.cli import main as product
from wiring.environment import load_settings
from wiring.stack import Programs, run_stack

FILE = "BENCH_SAMPLES"
TICK_S = 0.001


class Sampler:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._found: dict[tuple[str, ...], float] = defaultdict(float)
        self._used_s = 0.0
        for number, handler in (
            (signal.SIGUSR1, self._begin),
            (signal.SIGUSR2, self._end),
            (signal.SIGPROF, self._sample),
        ):
            signal.signal(number, handler)

    def _begin(self, number: int, frame: FrameType | None) -> None:
        self._used_s = time.thread_time()
        signal.setitimer(signal.ITIMER_PROF, TICK_S, TICK_S)

    def _sample(self, number: int, frame: FrameType | None) -> None:
        # Signals are handled on the main thread, whichever used the time.
        before_s, self._used_s = self._used_s, time.thread_time()
        files: list[str] = []
        while frame is not None:
            files.append(frame.f_code.co_filename)
            frame = frame.f_back
        self._found[tuple(files)] += self._used_s - before_s

    def _end(self, number: int, frame: FrameType | None) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        beside = self._file.with_suffix(".new")
        beside.write_text(json.dumps(list(self._found.items())))
        beside.rename(self._file)


def main(arguments: list[str]) -> None:
    if arguments == ["up"]:
        api = (sys.executable, "-m", "bench.sampled_api", "api")
        run_stack(load_settings(os.environ), os.environ, click.echo, Programs(api=api))
    else:
        Sampler(Path(os.environ[FILE]))
        product(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
