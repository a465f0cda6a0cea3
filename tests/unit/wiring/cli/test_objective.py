"""`rankfeed objective` on a home without a stack: what it takes, shows and refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bundles import bundle
from tests.unit.wiring.cli.log_home import LogHome
from wiring.home import Home

WHY = ("--reason", "try it", "--author", "ada")


@pytest.fixture
def home(tmp_path: Path) -> LogHome:
    return LogHome(tmp_path)


def _document(home: LogHome, *arguments: str) -> dict[str, Any]:
    shown = home.run("objective", "show", "--json", *arguments)
    assert shown.exit_code == 0, shown.stderr
    document: dict[str, Any] = json.loads(shown.stdout)
    return document


def _set(home: LogHome, *arguments: str) -> str:
    done = home.run("objective", "set", *arguments, *WHY)
    assert done.exit_code == 0, done.stderr
    return done.stdout


def test_presets_weights_files_and_former_versions_are_set(home: LogHome) -> None:
    assert _document(home)["name"] == "engagement"
    assert "satisfaction@2 is set; no stack is running" in _set(home, "--preset", "satisfaction")
    assert "satisfaction@3 is set" in _set(home, "--weight", "like=3", "--weight", "reply=1.5")
    weighed = _document(home)
    assert weighed["weights"]["like"] == {"w": 3.0, "min": -10.0, "max": 10.0}
    assert weighed["weights"]["reply"]["w"] == 1.5
    assert weighed["weights"]["hide"]["max"] == 0.0
    assert (weighed["author"], weighed["reason"]) == ("ada", "try it")
    file = home.root / "mine.json"
    file.write_text(json.dumps(weighed | {"name": "mine", "freshness": {"half_life_s": 7200}}))
    assert "mine@4 is set" in _set(home, str(file))
    assert "engagement@5 is set" in _set(home, "--from", "1")
    assert _document(home)["weights"] == _document(home, "--version", "1")["weights"]
    assert _document(home, "--version", "4")["freshness"] == {"half_life_s": 7200.0}
    lines = home.run("objective", "history").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["1", "2", "3", "4", "5"]
    assert lines[3].endswith("mine: try it")


def test_it_is_shown_in_words(home: LogHome) -> None:
    _set(home, "--preset", "freshness")
    shown = home.run("objective", "show").stdout
    for words in ("freshness@2", "by ada: try it", "within -10 to 10", "halves every 21600 s", "0.7^k + 0.2"):
        assert words in shown


def test_the_same_once_more_changes_nothing(home: LogHome) -> None:
    assert "engagement@1 says the same already" in _set(home, "--preset", "engagement")
    assert _document(home)["version"] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "nothing would change"),
        (("--preset", "satisfaction", "--from", "1"), 2, "give one of FILE, --preset and --from"),
        (("--preset", "happiness"), 2, "is not one of 'engagement', 'freshness', 'satisfaction'"),
        (("--weight", "click"), 2, "'click' is no weight; write like=2.5"),
        (("--weight", "click=nan"), 2, "'click=nan' is no weight"),
        (("--weight", "click=1e999"), 2, "'click=1e999' is no weight"),
        (("--weight", "click=11"), 1, "weights.click.w is 11 and must lie in -10 to 10"),
        (("--weight", "click=0"), 1, "weights must have at least one that is not 0"),
        (("--from", "7"), 1, "there is no objective of version 7: there are 1 to 1"),
    ],
)
def test_what_cannot_be_set_is_said_and_changes_nothing(
    arguments: tuple[str, ...], code: int, said: str, home: LogHome
) -> None:
    refused = home.run("objective", "set", *arguments, *WHY)
    assert refused.exit_code == code
    assert said in refused.stderr
    assert _document(home)["version"] == 1


def test_a_reason_is_asked_for(home: LogHome) -> None:
    assert "Missing option '--reason'" in home.run("objective", "set", "--preset", "freshness").stderr
    empty = home.run("objective", "set", "--preset", "freshness", "--reason", " ")
    assert "reason must have 1 to 500 characters" in empty.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "truncated"),
        ("[]", "a JSON object is expected"),
        ('{"objective": 3}', "its format is 3; this code knows 1"),
        (
            '{"objective": 1, "name": "x", "weights": {"click": {"w": 1}}, "decay": 1}',
            "unknown field `decay`",
        ),
    ],
)
def test_a_file_that_is_no_objective_is_refused(text: str, said: str, home: LogHome) -> None:
    file = home.root / "bad.json"
    file.write_text(text)
    refused = home.run("objective", "set", str(file), *WHY)
    assert (refused.exit_code, said in refused.stderr) == (1, True), refused.stderr


def test_a_head_that_the_champion_lacks_is_refused_with_those_that_it_has(home: LogHome) -> None:
    bundle(Home(home.root).models, "1", heads=("click", "like"))
    promoted = home.run("models", "promote", "home@1")
    assert promoted.exit_code == 0, promoted.stderr
    _set(home, "--weight", "like=2")
    refused = home.run("objective", "set", "--preset", "satisfaction", *WHY)
    assert refused.exit_code == 1
    assert "weighs the head 'dwell'; the model has click, like (the champion, home@1)" in refused.stderr
    assert _document(home)["version"] == 2


def test_a_model_without_a_head_that_the_objective_weighs_is_not_promoted(home: LogHome) -> None:
    for version, heads in (("1", ("click", "like")), ("2", ("click",))):
        bundle(Home(home.root).models, version, heads=heads)
    assert home.run("models", "promote", "home@1").exit_code == 0
    _set(home, "--weight", "like=2")
    refused = home.run("models", "promote", "home@2")
    assert refused.exit_code == 1
    assert "home@2 cannot be promoted: objective engagement@2 weighs the head 'like'" in refused.stderr
    assert "home@1  champion" in home.run("models", "list").stdout


def test_a_version_that_never_was_cannot_be_shown(home: LogHome) -> None:
    assert "there are 1 to 1" in home.run("objective", "show", "--version", "2").stderr
