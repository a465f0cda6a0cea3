"""A demo that cannot go well says so before it begins."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from core.errors import ConfigurationError, Unavailable
from wiring.cli import main
from wiring.cli.demo import _room
from wiring.home import Home


def test_a_demo_beside_another_in_the_same_directory_is_refused(tmp_path: Path) -> None:
    with Home(tmp_path).only_demo():
        ended = CliRunner().invoke(main, ["demo", "--small"], env={"RANKFEED_HOME": str(tmp_path)})
    assert ended.exit_code == 1
    assert "another demo is under way" in ended.output


def test_a_disk_without_room_is_told_before_anything_is_begun(tmp_path: Path) -> None:
    free_mb = shutil.disk_usage(tmp_path).free // 1024**2
    with (
        pytest.raises(ConfigurationError, match=rf"needs {2 * free_mb} MB .* {tmp_path}.*RANKFEED_HOME"),
        _room(Home(tmp_path), 2 * free_mb),
    ):
        pytest.fail("it must not begin")


def test_a_failure_on_a_disk_with_room_is_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="gone"), _room(Home(tmp_path), 1):
        raise Unavailable("gone")
