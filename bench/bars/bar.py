"""What a bar comes to, printed and written down."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "results.md"


@dataclass(frozen=True, slots=True)
class Result:
    """One row of the results: `value` and `bar` in words with their units."""

    name: str
    value: str
    bar: str
    passed: bool
    seed: str = "-"

    def record(self) -> None:
        """Prints the row and appends it to docs/results.md, with commit and machine."""
        verdict = "pass" if self.passed else "FAIL"
        print(f"{self.name}: {self.value} (bar: {self.bar}): {verdict}")
        when = f"{datetime.now(UTC):%Y-%m-%d %H:%M}"
        cells = (when, commit(), self.name, self.value, self.bar, verdict, self.seed, machine())
        with RESULTS.open("a") as file:
            file.write(f"| {' | '.join(cells)} |\n")


@cache
def commit() -> str:
    """With a `+` where the tree has changes, before this run has written a row."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return described.stdout.strip()


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}"
