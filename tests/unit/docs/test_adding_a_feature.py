"""docs/adding-a-feature.md, followed step by step in a copy of the source."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/adding-a-feature.md").read_text()
SOURCES = [path.parent.name for path in ROOT.glob("*/__init__.py")]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    root = tmp_path / "copy"
    for name in SOURCES:
        shutil.copytree(ROOT / name, root / name)
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def run(copy: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(copy), "RANKFEED_HOME": str(copy / "home")}
    ended = subprocess.run(
        [sys.executable, *arguments], cwd=copy, env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def edited(source: str, diff: str) -> str:
    """The source with every hunk of the diff applied; each has to stand in it once."""
    for hunk in diff.split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] != "+")
        assert source.count(before) == 1, before
        source = source.replace(before, "".join(line[1:] for line in lines if line[0] != "-"))
    return source


def test_who_follows_the_page_has_the_feature_everywhere(copy: Path) -> None:
    schema = copy / "features/schema.py"
    (diff,) = re.findall(r"```diff\n(.*?)```", PAGE, re.DOTALL)
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (test,) = re.findall(r"^In `(tests/[a-z_/]+\.py)`:$", PAGE, re.M)
    schema.write_text(edited(schema.read_text(), diff))
    (copy / test).write_text(program)
    (command,) = re.findall(r"^```\nrankfeed (.*)$", PAGE, re.M)
    said = run(copy, "-c", "from wiring.cli import main; main()", *command.split())
    assert "schema.lock.json" in said
    published = (copy / "features/schema.lock.json").read_text()
    assert '"last_click"' in published
    others = [f"tests/unit/features/test_{name}.py" for name in ("schema", "schema_lock", "packed_row")]
    checks = (test, *others, "tests/unit/docs/added_feature.py")
    run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", *checks)
