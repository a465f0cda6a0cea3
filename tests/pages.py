"""Pages in one file, read as a browser would: whole, of nothing but themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser

_VOID = {"meta"}
_LOADS = re.compile(r"src=|srcset=|@import|url\(|https?://|<link|<script|<iframe", re.IGNORECASE)


class Page(HTMLParser):
    """Every tag that is opened is closed, in order. `seen` are the tags, `said` all words between them."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self._said: list[str] = []

    @property
    def said(self) -> str:
        return " ".join(" ".join(self._said).split())

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self._met(tag, attrs)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self._met(tag, attrs)

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self._said.append(data)

    def _met(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        named = dict(attrs)
        self.ids |= {named["id"] or ""} if "id" in named else set()
        self.links += [named["href"] or ""] if "href" in named else []


def parsed(page: str) -> Page:
    """Raises AssertionError where it is not balanced, links into the void, or would load anything."""
    assert not _LOADS.search(page), _LOADS.search(page)
    parser = Page()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    assert {link.removeprefix("#") for link in parser.links} <= parser.ids
    return parser
