"""`rankfeed report` on a home without a stack: the page, and every way in which there is nothing to say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from interchange.report import ImportReport, write_report
from ranking.bundle import Training, format_time
from tests.bundles import bundle, stump
from tests.pages import parsed
from tests.unit.training.lakes import DAY_MS, T0_MS, LakeBuilder, world
from wiring.cli import main
from wiring.home import Home

HALF_MS = T0_MS + DAY_MS // 2


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("home")
    world(impressions=600).write(Home(root).lake)
    trained(root, HALF_MS)
    write_report(Home(root).imports / "d.json", ImportReport("d", "A <b>source", 0, written={"seen": 600}))
    return root


def trained(root: Path, to_ms: int) -> None:
    moments = (format_time(T0_MS), format_time(to_ms), format_time(to_ms))
    bundle(Home(root).models, "1", stump(0.1, 0.9), training=Training(*moments, 300, 1, "by time"))


def run(home: Path, directory: Path, *arguments: str) -> Result:
    environment = {"RANKFEED_HOME": str(home), "RANKFEED_REDIS_URL": None}
    return CliRunner().invoke(
        main, ["report", "--html", str(directory / "page.html"), *arguments], env=environment
    )


def test_a_page_and_a_file_of_what_came_after_the_training(home: Path, tmp_path: Path) -> None:
    result = run(home, tmp_path, "--json", str(tmp_path / "told.json"))
    assert result.exit_code == 0, result.output
    assert f"the report: {tmp_path / 'page.html'}" in result.output
    told = json.loads((tmp_path / "told.json").read_bytes())
    assert told["evaluation"]["from_at"] >= format_time(HALF_MS)
    assert not told["evaluation"]["overlaps_training"]
    assert (told["objective"], told["evaluation"]["top"]["weights"]) == ("engagement@1", {"click": 1.0})
    assert told["contents"]["impressions"] == 599
    said = parsed((tmp_path / "page.html").read_text()).said
    assert "what ranking would gain on A <b>source" in said
    assert "There are no follows" in said
    later = run(home, tmp_path, "--from", format_time(HALF_MS + 3_600_000))
    assert later.exit_code == 0, later.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from", "2023-11-15T00:00Z"), "--from 2023-11-15T00:00:00.000Z is before the model's training"),
        (("--until", "2023-11-15T00:00Z"), "--until 2023-11-15T00:00:00.000Z is not after"),
        (("--from", "2055-01-01T00:00Z"), "there is no impression from 2055-01-01"),
        (("--model", "home@7"), "there is no model 'home@7' here"),
        (("--json", "/nowhere/told.json"), "there is no directory '/nowhere'"),
    ],
)
def test_what_cannot_be_is_refused(
    home: Path, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    result = run(home, tmp_path, *arguments)
    assert result.exit_code != 0
    assert words in " ".join(result.output.split())
    assert not (tmp_path / "page.html").exists()


def test_without_a_lake_impressions_or_a_model_it_says_what_to_run(tmp_path: Path) -> None:
    assert "there is no lake" in run(tmp_path, tmp_path).output
    LakeBuilder().write(Home(tmp_path).lake)
    assert "the lake holds no impression" in run(tmp_path, tmp_path).output
    other = tmp_path / "other"
    world(impressions=60).write(Home(other).lake)
    assert "run `rankfeed train --until 2023-11-15T" in run(other, tmp_path).output
    trained(other, T0_MS + 2 * DAY_MS)
    assert "the model learned from all there is" in run(other, tmp_path).output
