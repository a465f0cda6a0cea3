"""Numbers and tables as people read them; whatever comes from elsewhere is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

_UNITS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))


def age(seconds: float) -> str:
    for unit_s, name in _UNITS:
        if seconds >= unit_s:
            return f"{seconds / unit_s:.0f} {name}"
    return f"{seconds:.0f} s"


def share(probability: float) -> str:
    """A probability in percent; small ones with as many digits as they need."""
    return f"{100 * probability:.3g} %"


def plain(value: float) -> str:
    """Four digits, or all of a large one, and a minus that is one."""
    words = f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    return words.replace("-", "\N{MINUS SIGN}")


def times(value: float) -> str:
    return f"\N{MULTIPLICATION SIGN} {plain(value)}"


def table(caption: str, titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """HTML; the first column names the row, the others are numbers."""
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in titles)
    body = "".join(
        "<tr>"
        + f'<th scope="row">{escape(row[0])}</th>'
        + "".join(f'<td class="number">{escape(cell)}</td>' for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return (
        f'<table class="table"><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )
