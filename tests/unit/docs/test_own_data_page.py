"""docs/own-data.md against the format that imports are checked with."""

from __future__ import annotations

import re
from pathlib import Path

from interchange.schema import META_FILE, TABLES, read_meta
from tests.unit.docs.pages import DOCS, blocks

PAGE = (DOCS / "own-data.md").read_text()


def test_its_tables_are_those_of_the_format() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE, re.M))
    assert rows == {
        table: ", ".join(f"`{one.name}`" if one.required else f"[`{one.name}`]" for one in columns)
        for table, columns in TABLES.items()
    }


def test_its_description_of_a_dataset_can_be_read(tmp_path: Path) -> None:
    (description,) = blocks(PAGE, "json")
    (tmp_path / META_FILE).write_text(description)
    assert read_meta(tmp_path).namespaces.tweets == "app/post"
