"""`rankfeed models` on a home without a stack: what is said, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from features.schema import FEATURES
from ranking.bundle import Input, Metric, Training, format_time
from tests.bundles import bundle, stump
from wiring.cli import main
from wiring.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    models = Home(tmp_path).models
    bundle(models, "1")
    bundle(
        models,
        "2",
        stump(0.1, 0.9, heads=("click", "like")),
        heads=("click", "like"),
        metrics=[Metric("auc", "held out", 0.72, 0.71, 0.73), Metric("auc", "new viewers", 0.6)],
        training=Training(format_time(0), format_time(86_400_000), format_time(2), 2000, 8, "by time"),
    )
    return tmp_path


def run(home: Path, *arguments: str) -> Result:
    environment = {"RANKFEED_HOME": str(home), "RANKFEED_REDIS_URL": None}
    return CliRunner().invoke(main, ["models", *arguments], env=environment)


def said(home: Path, *arguments: str) -> str:
    result = run(home, *arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_model_s_life_without_a_stack(home: Path) -> None:
    assert "nothing was promoted yet" in said(home, "history")
    assert "home@1 is the champion; nobody serves now" in said(home, "promote", "home@1", "--by", "ann")
    assert "home@2 is a challenger" in said(home, "register", "home@2", "--reason", "two heads")
    assert said(home, "list").splitlines() == ["home@1  champion", "home@2  challenger"]
    assert "home@2 is the champion" in said(home, "promote", "home@2")
    assert "home@1 is the champion" in said(home, "rollback", "--by", "bob", "--reason", "worse")
    history = said(home, "history").splitlines()
    assert [line.replace(",", " ").split()[1:3] for line in history] == [
        ["promote", "home@1"],
        ["register", "home@2"],
        ["promote", "home@2"],
        ["rollback", "home@1"],
    ]
    assert history[0].endswith("by ann")
    assert history[1].endswith(": two heads")
    assert history[3].endswith("home@1 instead of home@2, by bob: worse")
    shown = said(home, "show")
    for words in ("home@1", "auc, held out", "0.7000 (0.6000 to 0.8000)", "order_changes", "here: champion"):
        assert words in shown
    assert "no process serves" in shown


def test_what_differs_stands_side_by_side(home: Path) -> None:
    lines = said(home, "diff", "home@1", "home@2").splitlines()
    assert lines[0].split() == ["home@1", "home@2"]
    rows = {line.split("  ")[0]: line for line in lines}
    assert rows["heads.like.positives"].split() == ["heads.like.positives", "-", "300"]
    assert rows["training.rows"].split() == ["training.rows", "1,000", "2,000"]
    assert "0.7000 (0.6000 to 0.8000)  0.7200 (0.7100 to 0.7300)" in rows["auc, held out"]
    assert rows["auc, new viewers"].split()[-2:] == ["-", "0.6000"]
    assert "heads.click.positives" not in rows
    assert lines[-1] == "the same features"
    assert "the same graph, byte for byte" in said(home, "diff", "home@1", "home@1")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("promote", "home"), "write NAME@VERSION"),
        (("promote", "../x@1"), "write NAME@VERSION"),
        (("promote", "home@.."), "write NAME@VERSION"),
        (("promote", "home@7"), "Bundles here: home@1, home@2"),
        (("show", "home@7"), "no readable bundle"),
        (("diff", "home@1", "home@7"), "no readable bundle"),
        (("rollback",), "no model was ever promoted"),
        (("retire", "home@1"), "home@1 is no challenger: there is none"),
        (("register", "home@other"), "Train it again"),
        (("promote", "home@1", "--reason", "x" * 501), "501 characters; at most 500"),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_to_do(
    home: Path, arguments: tuple[str, ...], words: str
) -> None:
    bundle(Home(home).models, "other", input=Input(list(FEATURES), "0" * 64))
    result = run(home, *arguments)
    assert result.exit_code == 1
    assert words in result.output
    assert "nothing was promoted yet" in said(home, "history")
