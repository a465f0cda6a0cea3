"""Settings, decisions and outages: what the documents claim of them, looked up in the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from feed_api.app import ROUTES
from tests.outages.table import PARTS, ROWS
from tests.unit.docs.pages import DOCS, PAGES, named
from wiring.environment import PREFIX, list_settings
from wiring.settings import Settings


def test_every_setting_stands_in_the_reference_with_its_default_and_what_it_is() -> None:
    page = (DOCS / "settings.md").read_text()
    rows = re.findall(r"^\| `(RANKFEED_[A-Z_]+)` \| (?:`([^`]*)`|none) \| (.*) \|$", page, re.M)
    assert sorted(rows) == sorted(
        (leaf.variable, "" if leaf.default is None else str(leaf.default), leaf.description)
        for leaf in list_settings(Settings(), {})
    )


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_variable_is_a_setting(page: Path) -> None:
    known = {leaf.variable for leaf in list_settings(Settings(), {})}
    text = page.read_text()
    assert set(re.findall(rf"{PREFIX}[A-Z_]*[A-Z](?![A-Z_*…])", text)) <= known
    # And what stands for several of them is the beginning of some.
    for beginning in re.findall(rf"({PREFIX}[A-Z]+_)[*…]", text):
        assert any(one.startswith(beginning) for one in known), beginning


def test_every_decision_stands_in_the_index() -> None:
    index = (DOCS / "adr/README.md").read_text()
    pages = {page.name for page in (DOCS / "adr").glob("0*.md")}
    assert pages == set(re.findall(r"\(([0-9]{4}-[a-z-]+\.md)\)", index))


def _degradation() -> tuple[list[str], dict[str, tuple[str, ...]]]:
    routes, _, _ = (DOCS / "degradation.md").read_text().partition("\n## ")
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
