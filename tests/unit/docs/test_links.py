"""Every link of the documents leads somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.docs.pages import DOCS, PAGES, ROOT, anchors, links, named

WRITTEN = (*PAGES, *sorted((DOCS / "adr").glob("*.md")))
ELSEWHERE = ("https://", "http://")


@pytest.mark.parametrize("page", WRITTEN, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        if link.startswith(ELSEWHERE):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_in_the_index() -> None:
    index = {(DOCS / link).resolve() for link in links(DOCS / "README.md")}
    assert {page for page in PAGES if page.parent == DOCS and page.name != "README.md"} <= index
