"""Bars that are held by tests which kill and flush: they run here by themselves, and are counted."""

from __future__ import annotations

import subprocess
import sys

from bench.bars.bar import ROOT, Result


def kill(arguments: list[str]) -> Result:
    return _of_tests("SIGKILL at each fault point of api, fan-out and pipelines", "kill", arguments)


def flush(arguments: list[str]) -> Result:
    return _of_tests("FLUSHALL, then a feed request: the same feed", "flush", arguments)


def _of_tests(name: str, marker: str, arguments: list[str]) -> Result:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", marker, *arguments, "tests"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    print(done.stdout, end="")
    summary = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "no output"
    return Result(name, summary.strip("= "), "nothing lost, nothing doubled: all pass", done.returncode == 0)
