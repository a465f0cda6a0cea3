"""What the documents claim of metrics, capacity and the data directory, looked up in the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.docs.pages import DOCS, PAGES, ROOT, inline, named, section
from wiring.home import Home

PAGE = (DOCS / "operations.md").read_text()
PACKAGES = [path.parent for path in ROOT.glob("*/__init__.py") if path.parent.name not in ("tests", "bench")]


def metrics() -> Iterator[tuple[str, frozenset[str]]]:
    """Every metric that the code makes: its name as it is scraped, and its labels."""
    for file in (file for package in PACKAGES for file in package.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(
                    ast.Name("Counter" | "Gauge" | "Histogram"), [ast.Constant(str(name)), _, *labels]
                ):
                    yield name, frozenset(ast.literal_eval(labels[0]) if labels else ())


KNOWN = dict(metrics())


def test_metrics_are_found() -> None:
    assert len(KNOWN) > 60
    assert KNOWN["rankfeed_http_requests_total"] == {"route", "method", "status"}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_metric_exists_with_its_labels(page: Path) -> None:
    for code in inline(page.read_text()):
        for name, told in re.findall(r"(rankfeed_[a-z_]*[a-z])(?![\w.*…])(?:\{([^}]*)\})?", code):
            metric = re.sub(r"_(bucket|count|sum)$", "", name)
            assert metric in KNOWN, name
            labels = {re.split("[=!]", label)[0] for label in told.split(",") if label}
            assert labels <= KNOWN[metric], name


def test_the_table_of_metrics_names_all_labels() -> None:
    rows = re.findall(r"^\| (`rankfeed_.*?) \|", section(PAGE, "## Metrics"), re.M)
    for code in (code for row in rows for code in inline(row)):
        name, _, labels = code.rstrip("}").partition("{")
        assert frozenset(labels.split(",")) - {""} == KNOWN[name], name


def test_every_capacity_was_measured() -> None:
    results = (DOCS / "results.md").read_text()
    rows = re.findall(r"^\| [^|]+ \| ([^|]*\d[^|]*) \|$", section(PAGE, "## Capacity"), re.M)
    assert len(rows) > 6
    for row in rows:
        assert row in results, row


def test_what_is_backed_up_is_what_a_home_has() -> None:
    paths = {name for name, one in vars(Home).items() if isinstance(one, property) and name[0] != "_"}
    home = Home(ROOT)
    at_home = {str(getattr(home, name).relative_to(ROOT)) for name in paths if name != "state_file"}
    told = {code.rstrip("/") for code in inline(section(PAGE, "## Backup and restore"))}
    # Feast's registry and the servers of `rankfeed servers` are made again by their own commands.
    left_out = set(re.findall(r"--exclude=\./(\w+)", PAGE)) | {"feast", "servers"}
    assert at_home <= told | left_out
