"""Small plots as inline SVG: colours by the page's style sheet, sizes by its width. All text is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import floor, log10

from training.probabilities import Bin
from training.resampling import Estimate

_SIDE, _LEFT, _BOTTOM, _TOP = 300.0, 52.0, 40.0, 10.0
_WIDTH, _LABELS, _ROW = 560.0, 190.0, 22.0


def calibration_plot(curve: Sequence[Bin]) -> str:
    """What was predicted against what happened, by parts of equally many rows; on the line they agree."""
    if not curve:
        return ""
    values = [one.predicted for one in curve]
    values += [value for one in curve for value in (one.happened.value, one.happened.hi) if value is not None]
    top = _round_up(max(values))

    def at(x: float, y: float) -> tuple[float, float]:
        return _LEFT + x / top * _SIDE, _TOP + (1.0 - y / top) * _SIDE

    parts = []
    for i in range(6):
        x, y = at(top * i / 5, top * i / 5)
        words = f"{top * i / 5:.3g}"
        parts += [
            _line(_LEFT, y, _LEFT + _SIDE, y, "grid"),
            _text(_LEFT - 6, y + 4, words, "end"),
            _text(x, _TOP + _SIDE + 16, words, "middle"),
        ]
    (x0, y0), (x1, y1) = at(0.0, 0.0), at(top, top)
    parts.append(_line(x0, y0, x1, y1, "ideal"))
    for one in curve:
        if one.happened.value is None:
            continue
        if one.happened.lo is not None and one.happened.hi is not None:
            (x, low), (_, high) = at(one.predicted, one.happened.lo), at(one.predicted, one.happened.hi)
            parts.append(_line(x, low, x, high, "whisker"))
        x, y = at(one.predicted, one.happened.value)
        said = f"{one.rows:,} impressions: predicted {one.predicted:.4f}, happened {one.happened.value:.4f}"
        parts.append(_dot(x, y, "model", said))
    parts += [
        _text(_LEFT + _SIDE / 2, _TOP + _SIDE + 34, "predicted", "middle"),
        _text(_LEFT, _TOP - 1, "happened", "start"),
    ]
    return _svg(_LEFT + _SIDE + 14, _TOP + _SIDE + _BOTTOM, parts, "Calibration curve")


def gain_plot(gains: Mapping[str, float], most: int = 15) -> str:
    """The features that the trees gained most by, as shares of all gain."""
    total = sum(gains.values())
    if total <= 0.0:
        return ""
    best = sorted(gains.items(), key=lambda one: (-one[1], one[0]))[:most]
    best = [one for one in best if one[1] > 0.0]
    room = _WIDTH - _LABELS - 60
    parts = []
    for i, (name, gain) in enumerate(best):
        y = _ROW * i
        width = room * gain / best[0][1]
        parts += [
            _text(_LABELS - 8, y + 15, name, "end"),
            f'<rect class="bar" x="{_LABELS:g}" y="{y + 3:g}" width="{width:.1f}" height="{_ROW - 7:g}"/>',
            _text(_LABELS + width + 6, y + 15, f"{gain / total:.1%}", "start"),
        ]
    return _svg(_WIDTH, _ROW * len(best) + 4, parts, "Gain by feature")


def interval_plot(rows: Sequence[tuple[str, str, Estimate]]) -> str:
    """Values with their intervals, one below the other: (label, style class of the dot, value)."""
    shown = [(label, style, one, one.value) for label, style, one in rows if one.value is not None]
    if not shown:
        return ""
    ends = [end for _, _, one, value in shown for end in (one.lo, one.hi, value) if end is not None]
    low, high = min(ends), max(ends)
    room = _WIDTH - _LABELS - 70
    span = max(high - low, 1e-6)

    def at(value: float) -> float:
        return _LABELS + (value - low) / span * room

    parts = []
    for i, (label, style, one, value) in enumerate(shown):
        y = _ROW * i + 11
        parts.append(_text(_LABELS - 10, y + 4, label, "end"))
        if one.lo is not None and one.hi is not None:
            parts.append(_line(at(one.lo), y, at(one.hi), y, "whisker"))
        parts += [
            _dot(at(value), y, style, f"{label}: {value:.4f}"),
            _text(_WIDTH - 4, y + 4, f"{value:.4f}", "end"),
        ]
    return _svg(_WIDTH, _ROW * len(shown) + 4, parts, "Values with their intervals")


def _svg(width: float, height: float, parts: Sequence[str], label: str) -> str:
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" style="max-width: {width:g}px" role="img" '
        f'aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )


def _line(x0: float, y0: float, x1: float, y1: float, style: str) -> str:
    return f'<line class="{style}" x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}"/>'


def _dot(x: float, y: float, style: str, said: str) -> str:
    return f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{escape(said)}</title></circle>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _round_up(value: float) -> float:
    """To one of 1, 2, 2.5, 4, 5, 8 times a power of ten."""
    if value <= 0.0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next(
        step * power for step in (1.0, 2.0, 2.5, 4.0, 5.0, 8.0, 10.0) if step * power >= value * 0.999
    )
