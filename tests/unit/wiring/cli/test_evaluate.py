"""`rankfeed evaluate` on a home without a stack: whom it compares with, what it writes, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ranking.bundle import Training, format_time
from tests.bundles import bundle, stump
from tests.unit.training.lakes import DAY_MS, T0_MS, world
from wiring.cli import main
from wiring.home import Home

HALF_MS = T0_MS + DAY_MS // 2


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("home")
    world(impressions=600).write(Home(root).lake)
    moments = (format_time(T0_MS), format_time(HALF_MS), format_time(HALF_MS))
    for version, graph in (("1", stump(0.1, 0.9)), ("2", stump(0.2, 0.8))):
        bundle(Home(root).models, version, graph, training=Training(*moments, 300, 1, "by time"))
    return root


def run(home: Path, *arguments: str) -> Result:
    environment = {"RANKFEED_HOME": str(home), "RANKFEED_REDIS_URL": None}
    return CliRunner().invoke(main, [*arguments], env=environment)


def test_a_model_is_compared_with_the_one_that_serves(home: Path, tmp_path: Path) -> None:
    asked = ("evaluate", "--model", "home@2", "--from", "2023-11-15T10:13:20Z")
    report, page = tmp_path / "report.json", tmp_path / "page.html"
    first = run(home, *asked, "--json", str(report), "--html", str(page))
    assert first.exit_code == 0, first.output
    assert json.loads(report.read_bytes())["champion"] is None
    assert "home@2" in page.read_text()
    assert run(home, "models", "promote", "home@1").exit_code == 0
    assert run(home, *asked, "--json", str(report)).exit_code == 0
    told = json.loads(report.read_bytes())
    assert (told["model"], told["champion"]) == ("home@2", "home@1")
    assert "champion" in told["heads"]["click"]["baselines"]
    # It is its own champion: nothing to compare.
    itself = run(home, "evaluate", "--model", "home@1", *asked[3:], "--json", str(report))
    assert itself.exit_code == 0, itself.output
    assert json.loads(report.read_bytes())["champion"] is None
    # Whoever is asked for by name is compared with, whether it serves or not.
    named = run(home, "evaluate", "--model", "home@1", *asked[3:], "--champion", "home@2")
    assert "champion" in named.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--model", "home@7"), "there is no model 'home@7' here"),
        (("--champion", "home@7"), "there is no model 'home@7' here"),
        (("--model", "home"), "write NAME@VERSION"),
        (("--until", "2023-11-15T10:00:00Z"), "the range to judge on is empty"),
    ],
)
def test_what_cannot_be_is_refused(home: Path, arguments: tuple[str, ...], words: str) -> None:
    result = run(home, "evaluate", "--from", "2023-11-15T10:13:20Z", *arguments)
    assert result.exit_code == 1
    assert words in result.output


def test_the_future_cannot_be_judged(home: Path) -> None:
    result = run(home, "evaluate", "--from", "2055-01-01T00:00Z")
    assert result.exit_code == 1
    assert "no impression from 2055" in result.output
