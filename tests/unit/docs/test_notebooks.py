"""The notebooks, run as somebody runs them, each on a lake of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.training.lakes import LakeBuilder, world
from wiring.home import Home

ROOT = Path(__file__).parents[3]


def run(home: Path, notebook: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "docs/notebooks" / notebook)],
        env={**os.environ, "RANKFEED_HOME": str(home), "POLARS_FMT_MAX_COLS": "20"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "lake", [world(impressions=200), LakeBuilder()], ids=["a small world", "an empty lake"]
)
def test_impressions(lake: LakeBuilder, tmp_path: Path) -> None:
    lake.write(Home(tmp_path).lake)
    done = run(tmp_path, "impressions.py")
    assert (done.returncode, done.stderr) == (0, "")
    for head in ("click", "like", "dwell", "hide", "reply", "retweet"):
        assert head in done.stdout


def test_without_a_lake_it_says_what_to_do(tmp_path: Path) -> None:
    done = run(tmp_path, "impressions.py")
    assert done.returncode == 1
    assert "ConfigurationError: there is no lake at" in done.stderr
    assert "`rankfeed up`" in done.stderr
