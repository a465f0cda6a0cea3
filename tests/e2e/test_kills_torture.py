"""The kills of `test_kills` and `test_two_consumers`, twenty times each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.killing import kill_everywhere
from tests.e2e.two_consumers import kill_one_and_add_one
from tests.faults.points import DISTRIBUTED, EMBEDDED, TIMES

# Not `kill`, which `make bar-kill` runs.
pytestmark = pytest.mark.torture

EACH_TIME = pytest.mark.parametrize("time", range(1, TIMES + 1))


@EACH_TIME
async def test_every_step_of_the_embedded_stack(tmp_path: Path, time: int) -> None:
    await kill_everywhere(tmp_path, EMBEDDED)


@EACH_TIME
async def test_every_step_of_the_distributed_stack(tmp_path: Path, place: dict[str, str], time: int) -> None:
    await kill_everywhere(tmp_path, DISTRIBUTED, place)


@EACH_TIME
async def test_two_consumers(tmp_path: Path, place: dict[str, str], time: int) -> None:
    await kill_one_and_add_one(tmp_path, place)
