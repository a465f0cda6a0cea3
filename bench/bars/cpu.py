"""CPU seconds of processes, and what they come to when the work is multiplied."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

GOAL_PER_S = 100_000
NODE_CORES = 16
NODE_LOAD = 0.5
"""Nodes are planned at half load."""


def cpu_s(pids: Iterable[int]) -> float:
    """User and system time that these processes have used so far."""
    return sum(_ticks(pid) for pid in pids) / os.sysconf("SC_CLK_TCK")


def main_thread_s(pid: int) -> float:
    """What of that its main thread has used."""
    return _ticks(f"{pid}/task/{pid}") / os.sysconf("SC_CLK_TCK")


def _ticks(of: int | str) -> int:
    fields = Path(f"/proc/{of}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@dataclass(frozen=True, slots=True)
class PerCore:
    """Work by CPU second, one figure a run."""

    name: str
    runs: tuple[float, ...]

    @property
    def median(self) -> float:
        return float(np.median(self.runs))

    def nodes(self, copies: int = 1) -> int:
        """How many machines the goal needs, where each of so many copies does the work again."""
        return math.ceil(GOAL_PER_S * copies / self.median / (NODE_CORES * NODE_LOAD))

    def __str__(self) -> str:
        return f"{self.name} {self.median:,.0f} ({min(self.runs):,.0f} to {max(self.runs):,.0f})"
