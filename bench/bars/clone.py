"""Bars on a fresh clone: what a new user's first commands take."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

from bench.bars.bar import ROOT, Result

DEMO_S = 180
TEST_S = 20 * 60


def demo(arguments: list[str]) -> Result:
    with tempfile.TemporaryDirectory(prefix="rankfeed-clone-") as directory:
        clone = _clone(Path(directory))
        _make(clone, "setup")
        seconds, code = _timed(clone, "demo")
        return Result(
            "make demo on a fresh clone, after make setup",
            f"{seconds:.0f} s, exit {code}",
            f"≤ {DEMO_S} s, exit 0",
            code == 0 and seconds <= DEMO_S,
            seed="1",
        )


def test(arguments: list[str]) -> Result:
    with tempfile.TemporaryDirectory(prefix="rankfeed-clone-") as directory:
        clone = _clone(Path(directory))
        seconds, code = _timed(clone, "test")
        return Result(
            "make test on a fresh clone",
            f"{seconds:.0f} s, exit {code}",
            f"≤ {TEST_S} s, exit 0",
            code == 0 and seconds <= TEST_S,
        )


def _clone(directory: Path) -> Path:
    target = directory / "rankfeed"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(target)], check=True)
    return target


def _make(clone: Path, target: str) -> int:
    return subprocess.run(["make", target], cwd=clone, check=False).returncode


def _timed(clone: Path, target: str) -> tuple[float, int]:
    began_s = time.monotonic()
    code = _make(clone, target)
    return time.monotonic() - began_s, code
