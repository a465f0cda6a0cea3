"""Small plots as inline SVG: calibration, shares, and values with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor, log10

from training.probabilities import Bin
from training.resampling import Estimate
from training.svg import dot, line, rect, svg, text

_SIDE, _LEFT, _BOTTOM, _TOP = 300.0, 52.0, 40.0, 16.0
# Narrow enough that the labels can still be read on a phone.
_WIDTH, _LABELS, _ROW = 470.0, 186.0, 22.0
_VALUES = 62.0


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
            line(_LEFT, y, _LEFT + _SIDE, y, "grid"),
            text(_LEFT - 6, y + 4, words, "end"),
            text(x, _TOP + _SIDE + 16, words, "middle"),
        ]
    (x0, y0), (x1, y1) = at(0.0, 0.0), at(top, top)
    parts.append(line(x0, y0, x1, y1, "ideal"))
    for one in curve:
        if one.happened.value is None:
            continue
        if one.happened.lo is not None and one.happened.hi is not None:
            (x, low), (_, high) = at(one.predicted, one.happened.lo), at(one.predicted, one.happened.hi)
            parts.append(line(x, low, x, high, "whisker"))
        x, y = at(one.predicted, one.happened.value)
        said = f"{one.rows:,} impressions: predicted {one.predicted:.4f}, happened {one.happened.value:.4f}"
        parts.append(dot(x, y, "model", said))
    parts += [
        text(_LEFT + _SIDE / 2, _TOP + _SIDE + 34, "predicted", "middle"),
        text(_LEFT, _TOP - 5, "happened", "start"),
    ]
    return svg(_LEFT + _SIDE + 24, _TOP + _SIDE + _BOTTOM, parts, "Calibration curve")


def gain_plot(gains: Mapping[str, float], most: int = 15) -> str:
    """The features that the trees gained most by, as shares of all gain."""
    total = sum(gains.values())
    if total <= 0.0:
        return ""
    best = sorted(gains.items(), key=lambda one: (-one[1], one[0]))[:most]
    return share_plot({name: gain / total for name, gain in best if gain > 0.0}, "Gain by feature")


def share_plot(shares: Mapping[str, float], label: str) -> str:
    """Bars of shares (0 to 1), one below the other, as they come; the longest fills the width."""
    longest = max(shares.values(), default=0.0)
    if longest <= 0.0:
        return ""
    parts = []
    for i, (name, share) in enumerate(shares.items()):
        y, width = _ROW * i, (_WIDTH - _LABELS - _VALUES) * share / longest
        parts += [
            text(_LABELS - 8, y + 15, name, "end"),
            rect(_LABELS, y + 3, width, _ROW - 7, "bar", f"{name}: {share:.1%}"),
            text(_LABELS + width + 6, y + 15, f"{share:.1%}", "start"),
        ]
    return svg(_WIDTH, _ROW * len(shares) + 4, parts, label)


def interval_plot(
    rows: Sequence[tuple[str, str, Estimate]],
    title: str = "Values with their intervals",
    *,
    digits: int = 4,
    mark: float | None = None,
) -> str:
    """Values with their intervals, one below the other: (label, style class of the dot, value).

    A dashed line stands at `mark`, as at the 0 of a difference.
    """
    shown = [(label, style, one, one.value) for label, style, one in rows if one.value is not None]
    if not shown:
        return ""
    ends = [end for _, _, one, value in shown for end in (one.lo, one.hi, value, mark) if end is not None]
    low, high = min(ends), max(ends)
    room = _WIDTH - _LABELS - _VALUES - 6
    span = max(high - low, 1e-6)

    def at(value: float) -> float:
        return _LABELS + (value - low) / span * room

    parts = [] if mark is None else [line(at(mark), 0, at(mark), _ROW * len(shown), "ideal")]
    for i, (label, style, one, value) in enumerate(shown):
        y, said = _ROW * i + 11, f"{label}: {value:z.{digits}f}"
        parts.append(text(_LABELS - 10, y + 4, label, "end"))
        if one.lo is not None and one.hi is not None:
            parts.append(line(at(one.lo), y, at(one.hi), y, "whisker"))
            said += f" ({one.lo:z.{digits}f} to {one.hi:z.{digits}f})"
        parts += [dot(at(value), y, style, said), text(_WIDTH - 4, y + 4, f"{value:z.{digits}f}", "end")]
    return svg(_WIDTH, _ROW * len(shown) + 4, parts, title)


def _round_up(value: float) -> float:
    """To one of 1, 2, 2.5, 4, 5, 8 times a power of ten."""
    if value <= 0.0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next(
        step * power for step in (1.0, 2.0, 2.5, 4.0, 5.0, 8.0, 10.0) if step * power >= value * 0.999
    )
