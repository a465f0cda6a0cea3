"""A table of words as HTML, for what is too much for an element a cell."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

STYLE = Path(__file__).with_name("figures.css")
"""Of tables and of what the pages of figures have in common; a page that has them adds it."""


def table(caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells are escaped; one that is wider than its place scrolls by itself, also by keyboard."""
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in headings)
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(one)}</td>" for one in rest)}</tr>'
        for first, *rest in rows
    )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}"><table class="figures">'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
