"""Tables as HTML, for what is too much for an element a cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

STYLE = Path(__file__).with_name("figures.css")
"""Of tables and of what the pages of figures have in common; a page that has them adds it."""


def table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are escaped; one that is wider than its place scrolls by itself, also by keyboard."""
    made = _table("figures", "", caption, headings, rows)
    return f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}">{made}</div>'


def numbers(caption: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A small one of numbers within a card; cells are escaped."""
    return _table("table", ' class="number"', caption, headings, rows)


def _table(
    kind: str, of_cells: str, caption: str, headings: Sequence[str], rows: Iterable[Sequence[str]]
) -> str:
    """The first cell of a row names it."""
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in headings)
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>'
        f"{''.join(f'<td{of_cells}>{escape(one)}</td>' for one in rest)}</tr>"
        for first, *rest in rows
    )
    return (
        f'<table class="{kind}"><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )
