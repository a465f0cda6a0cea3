"""What the documents claim, looked up in the code."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from feed_api.problems import CODES
from wiring.cli import main
from wiring.settings import PREFIX, Settings, list_settings

ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "README.md").read_text()


def test_every_setting_stands_in_the_reference_with_its_default() -> None:
    rows = dict(
        re.findall(
            r"^\| `(RANKFEED_[A-Z_]+)` \| (?:`([^`]*)`|none) \|",
            (ROOT / "docs/settings.md").read_text(),
            re.M,
        )
    )
    assert rows == {
        leaf.variable: "" if leaf.default is None else str(leaf.default)
        for leaf in list_settings(Settings(), {})
    }


@pytest.mark.parametrize(
    "command", sorted(set(re.findall(r"^(?:\$)?rankfeed ([a-z][a-z -]*[a-z])", README, re.M)))
)
def test_every_command_of_the_readme_exists(command: str) -> None:
    found: click.Command = main
    for word in command.split():
        if isinstance(found, click.Group):
            assert word in found.commands, f"rankfeed {command}"
            found = found.commands[word]


def test_every_option_of_the_readme_exists() -> None:
    known = {
        option
        for command in _commands(main)
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    named = {
        option
        for line in README.splitlines()
        if "rankfeed" in line
        for option in re.findall(r"--[a-z-]+", line)
    }
    assert named
    assert named <= known


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+(?:%)?):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.M)) - {"bar"}
    assert named
    assert named <= targets
    assert "bar-%" in targets


def test_every_decision_stands_in_the_index() -> None:
    index = (ROOT / "docs/adr/README.md").read_text()
    pages = {page.name for page in (ROOT / "docs/adr").glob("0*.md")}
    assert pages == set(re.findall(r"\(([0-9]{4}-[a-z-]+\.md)\)", index))


def test_the_readme_names_no_variable_that_is_no_setting() -> None:
    known = {leaf.variable for leaf in list_settings(Settings(), {})}
    assert set(re.findall(rf"{PREFIX}[A-Z_]+", README)) <= known


def test_error_codes_are_the_closed_list() -> None:
    assert len(CODES) == len(set(CODES)) == 16


def _commands(group: click.Group) -> list[click.Command]:
    found: list[click.Command] = []
    for command in group.commands.values():
        found += [command] if not isinstance(command, click.Group) else _commands(command)
    return found
