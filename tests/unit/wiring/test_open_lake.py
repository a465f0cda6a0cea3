"""A lake for notebooks: times with a zone, and the frames of the modules below."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.errors import ConfigurationError, Corrupt, UnknownVersion
from stores.lake import manifest_path
from tests.unit.training.lakes import T0_MS, LakeBuilder
from wiring.home import Home
from wiring.open_lake import open_lake

T0 = datetime.fromtimestamp(T0_MS / 1000, UTC)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    lake = LakeBuilder()
    lake.view("seen", T0_MS, tweet=5)
    lake.view("click", T0_MS + 700_000, tweet=5)
    lake.view("seen", T0_MS + 60_000, tweet=6)
    lake.write(Home(tmp_path).lake)
    return tmp_path


def test_impressions_and_tables_of_a_range(home: Path) -> None:
    lake = open_lake(home)
    assert lake.impressions().select("tweet", "click").collect().rows() == [(5, False), (6, False)]
    later = T0 + timedelta(minutes=1)
    assert lake.impressions(since=later).collect()["tweet"].to_list() == [6]
    assert lake.impressions(until=later).select("tweet", "click").collect().rows() == [(5, None)]
    longer = lake.impressions(windows_s={"click": 700.0}).select("tweet", "click").collect()
    assert longer.rows() == [(5, True), (6, False)]
    assert len(lake.table("views", since=later).collect()) == 2


def test_a_time_without_a_zone_is_refused(home: Path) -> None:
    with pytest.raises(ConfigurationError, match="has no zone"):
        open_lake(home).impressions(since=datetime(2026, 1, 1))  # noqa: DTZ001  # that is what is refused


def test_what_cannot_be_read_is_named(home: Path) -> None:
    root = Home(home).lake
    (path,) = root.glob("views/*/*/*")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(Corrupt, match=f"{path.name} has {len(whole) - 1} bytes"):
        open_lake(home).impressions()
    manifest_path(root, 2).write_bytes(b'{"lake": 2}')
    with pytest.raises(UnknownVersion, match="Install the rankfeed that wrote it"):
        open_lake(home)
