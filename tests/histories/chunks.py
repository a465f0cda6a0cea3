"""Many histories: chunks of them, each from a seed and in a process of its own, side by side."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import msgspec

from tests.histories.tally import Tally

CHUNK = 250
"""Histories of one seed: whoever tells a failing one again waits for no more than these."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """So many histories from one seed."""

    count: int
    seed: int

    @property
    def again(self) -> str:
        """The command that tells the same ones."""
        return f"make histories ARGS='{self.count} --seed {self.seed}'"


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a chunk; `failure` is what its process said, with the shortest wrong history."""

    chunk: Chunk
    tally: Tally | None
    failure: str = ""


def chunks(count: int, seed: int) -> list[Chunk]:
    """Of the seeds `seed`, `seed + 1`, and so on; the last one may be smaller."""
    whole, rest = divmod(count, CHUNK)
    sizes = [CHUNK] * whole + ([rest] if rest else [])
    return [Chunk(size, seed + number) for number, size in enumerate(sizes)]


def side_by_side(wanted: Sequence[Chunk], processes: int) -> Iterator[Told]:
    with ThreadPoolExecutor(processes) as pool:
        yield from pool.map(_tell, wanted)


def _tell(chunk: Chunk) -> Told:
    command = [sys.executable, "-m", "tests.histories.chunk", str(chunk.count), str(chunk.seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return Told(chunk, None, done.stdout + done.stderr)
    return Told(chunk, msgspec.json.Decoder(Tally).decode(done.stdout.splitlines()[-1]))
