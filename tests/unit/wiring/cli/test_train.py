"""`rankfeed train` on a home without a stack: what it takes, and what it says to bad input."""

from __future__ import annotations

from pathlib import Path

import pytest

from ranking.bundle import load_bundle
from tests.unit.training.lakes import world
from tests.unit.wiring.cli.log_home import LogHome
from wiring.home import Home


@pytest.fixture
def home(tmp_path: Path) -> LogHome:
    return LogHome(tmp_path)


def test_heads_windows_and_sizes_are_taken(home: LogHome) -> None:
    world(impressions=300).write(Home(home.root).lake)
    done = home.run(
        *("train", "--head", "dwell", "--head", "click", "--window", "click=60", "--min-positives", "20"),
        *("--trees", "2", "--until", "2030-01-01T00:00Z"),
    )
    assert done.exit_code == 0, done.stderr
    (written,) = Home(home.root).models.glob("home/*")
    heads = load_bundle(written).manifest.heads
    assert [(head.name, head.window_s) for head in heads] == [
        ("click", 60.0),
        ("dwell", 1_800.0),
    ]
    assert f"next: rankfeed models promote home@{written.name}" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--window", "600"), "'600' is no window; write HEAD=SECONDS, e.g. click=600"),
        (("--window", "click=-1"), "is no window"),
        (("--window", "click=nan"), "is no window"),
        (("--window", "bookmark=5"), "there is no head 'bookmark': choose from click, like, dwell"),
        (("--head", "bookmark"), "there is no head 'bookmark'"),
        (("--from", "2999-01-01T00:00Z"), "in the future"),
        (
            ("--from", "2022-05-02T00:00Z", "--until", "2022-05-01T00:00Z"),
            "Let --from be earlier than --until",
        ),
        (("--min-positives", "0"), "min_positives must be at least 1, not 0"),
        ((), "there is no lake at"),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(
    home: LogHome, arguments: tuple[str, ...], said: str
) -> None:
    refused = home.run("train", *arguments)
    assert refused.exit_code in (1, 2)
    assert said in refused.stderr
    assert not Home(home.root).models.exists()
