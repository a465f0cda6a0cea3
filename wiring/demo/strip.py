"""An act of chaos as a strip: every ranked page that was answered, at its moment, on its rung."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from training.page import bullets, figure, note, paragraph
from training.svg import dot, line, rect, svg, text
from wiring.chaos.act import FULL, ChaosAct

_RUNGS = (FULL, "fewer", "cached", "popular", "chronological", "last_page")
_WIDTH, _LEFT, _RIGHT, _TOP, _LANE = 480.0, 104.0, 18.0, 22.0, 24.0
_STYLES = {FULL: "two", "fewer": "three", "cached": "five", "popular": "one", "chronological": "four"}
_TICKS = 6


def chaos_section(act: ChaosAct) -> Iterator[str]:
    """HTML: the strip, and each fault in words."""
    yield paragraph(
        "Parts were taken away while viewers went on asking for ranked feeds. A page that cannot be ranked "
        "in full is made on a lower rung, and says which; once the fault is over the pages are full again."
    )
    if not act.rungs:
        yield note("No ranked page was answered during the act: there is nothing to draw.")
    yield figure(
        _strip(act),
        "Each dot is a page, at the second of its answer; a shaded span is a fault, its dashed line the "
        "first page after which all were full.",
    )
    yield bullets(act.lines())
    if act.refused:
        yield paragraph(f"{act.refused:,} requests were answered without a page (503), to come again.")


def _strip(act: ChaosAct) -> str:
    if not act.rungs:
        return ""
    lanes = _lanes(act)
    bottom = _TOP + _LANE * len(lanes)
    span_s = max(act.took_s, *(one.at_s for one in act.rungs), 1e-3)

    def at(second: float) -> float:
        return _LEFT + min(max(second, 0.0), span_s) / span_s * (_WIDTH - _LEFT - _RIGHT)

    parts = []
    for fault in act.faults:
        begin, end = at(fault.began_s), at(fault.ended_s)
        said = f"{fault.name}, {fault.began_s:.1f} to {fault.ended_s:.1f} s"
        parts += [
            rect(begin, _TOP, end - begin, bottom - _TOP, "fault", said),
            text(begin, _TOP - 7, fault.name, "start"),
            line(at(fault.full_again_s), _TOP, at(fault.full_again_s), bottom, "ideal"),
        ]
    for place, rung in enumerate(lanes):
        y = _TOP + _LANE * (place + 0.5)
        parts += [text(_LEFT - 10, y + 4, rung, "end"), line(_LEFT, y, _WIDTH - _RIGHT, y, "grid")]
    for seen in act.rungs:
        y = _TOP + _LANE * (lanes.index(seen.rung) + 0.5)
        why = f": {seen.reason}" if seen.reason else ""
        parts.append(dot(at(seen.at_s), y, _STYLES.get(seen.rung, "baseline"), f"{seen.at_s:.2f} s{why}"))
    for tick in range(_TICKS + 1):
        second = span_s * tick / _TICKS
        parts.append(text(at(second), bottom + 16, f"{second:.0f} s", "middle"))
    return svg(_WIDTH, bottom + 24, parts, "Rungs of ranked pages over the act of chaos")


def _lanes(act: ChaosAct) -> Sequence[str]:
    """The rungs that were met, best first; unknown ones last."""
    met = list(dict.fromkeys(one.rung for one in act.rungs))
    return [*(rung for rung in _RUNGS if rung in met), *(rung for rung in met if rung not in _RUNGS)]
