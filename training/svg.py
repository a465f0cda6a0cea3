"""Inline SVG: colours by the page's style sheet, sizes by its width. All text is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def svg(width: float, height: float, parts: Sequence[str], label: str) -> str:
    """A drawing that a screen reader calls `label`; it shrinks to the page and does not grow."""
    said = escape(label)
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" style="max-width: {width:g}px" role="img" '
        f'aria-label="{said}"><title>{said}</title>{"".join(parts)}</svg>'
    )


def line(x0: float, y0: float, x1: float, y1: float, style: str) -> str:
    return f'<line class="{style}" x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}"/>'


def dot(x: float, y: float, style: str, said: str) -> str:
    return f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{escape(said)}</title></circle>'


def rect(x: float, y: float, width: float, height: float, style: str, said: str) -> str:
    return (
        f'<rect class="{style}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.0):.1f}" height="{height:.1f}">'
        f"<title>{escape(said)}</title></rect>"
    )


def text(x: float, y: float, words: str, anchor: str) -> str:
    """`anchor` is start, middle or end."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
