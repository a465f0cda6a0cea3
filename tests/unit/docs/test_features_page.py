"""What docs/features.md claims of views and commands."""

from __future__ import annotations

import re
from pathlib import Path

from features.repo.names import SERVICE
from features.schema import DAY_S, VIEWS
from wiring.cli.features import features

PAGE = (Path(__file__).resolve().parents[3] / "docs/features.md").read_text()


def test_views_have_the_keys_and_the_life_that_it_says() -> None:
    rows = re.findall(r"^\| `([a-z]+)` \| ([^|]*) \| (\d+) days \|$", PAGE, re.M)
    said = {view: (tuple(re.findall(r"`([a-z]+)`", keys)), int(days) * DAY_S) for view, keys, days in rows}
    assert said == {view.name: (view.keys, view.ttl_s) for view in VIEWS.values()}
    assert f'get_feature_service("{SERVICE}")' in PAGE


def test_its_commands_exist() -> None:
    named = set(re.findall(r"^rankfeed features ([a-z]+)", PAGE, re.M))
    assert named == set(features.commands)
