"""A page that is one file: it needs nothing else, asks nobody for anything, and escapes what it shows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from training.page_style import STYLE

_CODE = re.compile("`([^`]+)`")
# Whatever got into the page, nothing runs in it, and nothing is fetched.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def document(title: str, body: Iterable[str], chapters: Mapping[str, str] | None = None) -> str:
    """HTML; `chapters` are the headings by the ids of their sections, for the links at the top."""
    links = "".join(
        f'<a href="#{escape(name)}">{escape(words)}</a>' for name, words in (chapters or {}).items()
    )
    nav = f'<nav aria-label="On this page">{links}</nav>' if links else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>"
        f"<h1>{escape(title)}</h1>{nav}{''.join(body)}</main></body></html>\n"
    )


def section(name: str, heading: str, parts: Iterable[str]) -> str:
    """`name` is the id that links go to; `parts` are HTML."""
    words = escape(heading)
    return f'<section id="{escape(name)}"><h2>{words}</h2>{"".join(parts)}</section>'


def prose(words: str) -> str:
    """Escaped; what stands in backticks is code, such as a command."""
    return _CODE.sub(r"<code>\1</code>", escape(words))


def moment(at: str) -> str:
    """Of RFC 3339, UTC: to the minute, for people."""
    return f"{at[:16].replace('T', ' ')} UTC"


def paragraph(words: str) -> str:
    return f"<p>{prose(words)}</p>"


def note(words: str) -> str:
    """What whoever reads the numbers must know."""
    return f'<p class="note">{prose(words)}</p>'


def bullets(sentences: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{prose(one)}</li>' for one in sentences)}</ul>"


def tiles(figures: Iterable[tuple[str, str]]) -> str:
    """The first numbers of a page, large: (number, what it is)."""
    shown = "".join(
        f"<li><strong>{escape(one)}</strong><span>{escape(is_)}</span></li>" for one, is_ in figures
    )
    return f'<ul class="tiles">{shown}</ul>'


def figure(plot: str, caption: str) -> str:
    """A plot with its caption; nothing where there was nothing to plot."""
    return f"<figure>{plot}<figcaption>{escape(caption)}</figcaption></figure>" if plot else ""


def pair(*parts: str) -> str:
    """Beside each other where there is room, else below each other."""
    return f'<div class="pair">{"".join(f"<div>{one}</div>" for one in parts)}</div>'


def folded(summary: str, inner: str) -> str:
    return f"<details><summary>{escape(summary)}</summary>{inner}</details>"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, broken: bool = False) -> str:
    """The first cell of a row is its heading; the last one is `broken` where it holds sentences."""
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in headings)
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(one)}</td>" for one in rest)}</tr>'
        for first, *rest in rows
    )
    style = ' class="broken"' if broken else ""
    first = f"<thead><tr>{head}</tr></thead>" if head else ""
    # It may have to be scrolled, so keys must reach it.
    return f'<div class="wide" tabindex="0"><table{style}>{first}<tbody>{body}</tbody></table></div>'
