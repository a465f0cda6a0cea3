"""A disk that gets full: nothing that was acknowledged is lost, and once there is room it goes on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.e2e.live_stack import ROOT, clean_environment
from tests.integration.small_disk import command

PATIENCE_S = 300.0


def run_day(module: str, directory: Path, *arguments: str) -> None:
    ended = subprocess.run(
        [*command(module, directory), *arguments],
        env=clean_environment(),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout


def test_a_stack_answers_503_until_there_is_room_and_goes_on_without_a_restart(tmp_path: Path) -> None:
    run_day("tests.integration.full_disk_stack", tmp_path)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.torture) for name in ("kafka", "cassandra")]
)
def test_a_server_ends_says_why_and_comes_back_with_its_data(tmp_path: Path, name: str) -> None:
    run_day("tests.integration.full_disk_server", tmp_path, name)
