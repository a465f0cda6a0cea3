"""An import that is killed, or told to end by Ctrl-C, again and again: run once more, it is whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes import FakeClock
from tests.faults.fault import Fault, arm, environment_of, mark_of
from tests.integration.import_process import INTERRUPTED_AT, ROLE
from tests.integration.import_stack import Stack
from tests.unit.interchange.datasets import NOW_MS, rows_of_a_small_world, write_dataset

REPOSITORY = Path(__file__).parents[2]
KILLS = (
    ("control.map_external_ids", "after", 2),
    ("tweets.create", "after", 2),
    ("log.append", "after", 1),
    ("control.compare_and_set", "before", 3),
)
BATCH = 3


def imports(files: Path, dataset: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.integration.import_process", str(files), str(dataset)],
        env={**os.environ, **environment},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.kill
async def test_killed_at_one_step_after_the_other_it_ends_as_if_undisturbed(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "world", rows_of_a_small_world())
    for number, kill in enumerate(KILLS):
        marks = tmp_path / f"marks-{number}"
        marks.mkdir()
        arm(marks)
        ended = imports(tmp_path / "killed", dataset, environment_of([Fault(ROLE, *kill)], marks))
        assert mark_of(marks, 0).exists(), (kill, ended.stderr)
        assert ended.returncode == -signal.SIGKILL
    await _ends_as_if_undisturbed(tmp_path, dataset, deaths=len(KILLS))


async def test_ctrl_c_ends_it_at_once_and_it_goes_on_where_it_was(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "world", rows_of_a_small_world())
    ended = imports(tmp_path / "killed", dataset, {INTERRUPTED_AT: "tweets"})
    assert "KeyboardInterrupt" in ended.stderr
    assert ended.returncode != 0
    await _ends_as_if_undisturbed(tmp_path, dataset, deaths=1)


async def _ends_as_if_undisturbed(directory: Path, dataset: Path, *, deaths: int) -> None:
    clock = FakeClock(NOW_MS)
    whole, killed = Stack.open(directory / "whole", clock), Stack.open(directory / "killed", clock)
    try:
        await whole.run(dataset)
        report = await killed.run(dataset)
        assert not report.already_done
        assert killed.truth() == whole.truth()
        # At most the batch in doubt of each death went in twice; it is counted once.
        repeated = len(killed.events(killed.telemetry)) - len(whole.events(whole.telemetry))
        assert 0 <= repeated <= deaths * BATCH
        assert (await killed.run(dataset)).already_done
    finally:
        whole.close()
        killed.close()
