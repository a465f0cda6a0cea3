"""What the documents claim, looked up in the code."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from fastapi.routing import APIRoute

from feed_api.app import ROUTES
from feed_api.problems import CODES
from tests.outages.table import PARTS, ROWS
from wiring.cli import main
from wiring.settings import PREFIX, Settings, list_settings

ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "README.md").read_text()
COMMANDED = README + (ROOT / "docs/objective.md").read_text()
"""The documents whose every command is looked up."""


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
    "command", sorted(set(re.findall(r"^(?:\$)?rankfeed ([a-z][a-z -]*[a-z])", COMMANDED, re.M)))
)
def test_every_command_of_the_documents_exists(command: str) -> None:
    found: click.Command = main
    for word in command.split():
        if isinstance(found, click.Group):
            assert word in found.commands, f"rankfeed {command}"
            found = found.commands[word]


def test_every_option_of_the_documents_exists() -> None:
    known = {
        option
        for command in _commands(main)
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    named = {
        option
        for line in COMMANDED.splitlines()
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


def _degradation() -> tuple[list[str], dict[str, tuple[str, ...]]]:
    routes, _, _ = (ROOT / "docs/degradation.md").read_text().partition("\n## ")
    lines = routes.splitlines()
    header, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")
    ]
    return header[1:], {row[0]: tuple(row[1:]) for row in rows}


def test_what_happens_without_a_part_is_what_the_tests_ask() -> None:
    parts, rows = _degradation()
    assert parts == list(PARTS)
    assert rows == ROWS


def test_every_route_stands_in_the_table_of_outages() -> None:
    routes = {
        f"{method} {route.path}"
        for module in ROUTES
        for route in module.router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    named = {re.sub(r"\?.*", "", match) for row in ROWS for match in re.findall(r"`([A-Z]+ [^`]+)`", row)}
    assert named == routes
