"""Health as HTML: tables and a strip of rungs, made of one look. Nothing of it is asked for here."""

from __future__ import annotations

from html import escape

from console.figures import age
from console.html_table import table
from console.metrics import Samples, of, quantile, summed
from console.vitals import (
    BIN_S,
    BINS,
    BREAKER,
    FEED_SECONDS,
    MEMORY,
    NEWEST_EVENT,
    PAGES,
    QUALITY,
    ROW_AGE,
    ROWS_MISSING,
    ROWS_READ,
    Process,
    Seen,
)
from console.words import VIEWS
from features.reader import SEEN
from ranking.breaker import STATES
from ranking.ladder import RUNGS

MINUTE_S = 60
SHOWN_RUNGS = (*RUNGS, "popular")
STATE_WORDS = {"closed": "closed", "half_open": "half open", "open": "open"}
_WIDTH, _HEIGHT = 720, 96


def processes_table(seen: Seen) -> str:
    rows = [_process(one) for one in seen.processes]
    if not rows:
        return '<p class="muted">No process says anything of itself.</p>'
    return table(
        "As each tells of itself now",
        ("process", "state", "model", "next ranked feed", "breaker", "memory"),
        rows,
    )


def away_processes(seen: Seen) -> list[tuple[str, str]]:
    """Each that nothing could be seen of, and what to do."""
    return [
        (
            f"{one.role} ({one.where}) is away: {one.away}",
            _mending(one),
        )
        for one in seen.processes
        if one.away
    ]


def _mending(one: Process) -> str:
    """A supervisor sees that a process ended, and not that it hangs."""
    log = f"logs/{one.role}.log in RANKFEED_HOME"
    if one.report is None:
        whose = f"end it by its pid, which each line of {log} names"
    else:
        whose = f"end it: kill {one.report.pid} on {one.report.host}. {log} says more"
    return (
        f"If it ended, its stack starts it again, and the others go on. If it stays away it hangs: {whose}."
    )


def rungs_strip(seen: Seen) -> str:
    """One bar for ten seconds: of the ranked pages that were asked for, how many each rung served."""
    counts = [summed(_asked_ranked(one.counted), PAGES, "rung") for one in seen.bins]
    most = max((sum(one.values()) for one in counts), default=0) or 1
    wide = _WIDTH / max(1, len(counts))
    bars = []
    for column, count in enumerate(counts):
        top = float(_HEIGHT)
        for rung in SHOWN_RUNGS:
            high = count.get(rung, 0.0) / most * _HEIGHT
            if high:
                top -= high
                place = (
                    f'x="{column * wide + 1:.1f}" y="{top:.1f}" width="{wide - 2:.1f}" height="{high:.1f}"'
                )
                title = f"<title>{rung}: {count[rung]:.0f}</title>"
                bars.append(f'<rect class="rung-{rung}" {place}>{title}</rect>')
    minutes = len(counts) * BIN_S // 60
    label = f"Ranked pages by rung in the last {minutes} minutes. {last_minute(seen)}"
    legend = "".join(f'<span class="key"><i class="rung-{rung}"></i>{rung}</span>' for rung in SHOWN_RUNGS)
    return (
        f'<svg class="strip" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(label)}">{"".join(bars)}</svg>'
        f'<div class="axis"><span>{minutes} minutes ago</span><span>now</span></div>'
        f'<div class="keys">{legend}</div>{_reasons(seen)}'
    )


def _reasons(seen: Seen) -> str:
    """Why pages of the whole strip were not on the highest rung, the most frequent first."""
    reasons = summed(_asked_ranked(seen.last(BINS * BIN_S)), PAGES, "reason")
    told = [
        f"{reason} {count:,.0f}"
        for reason, count in sorted(reasons.items(), key=lambda one: -one[1])
        if reason and count
    ]
    return f'<p class="muted">Not on the highest because of: {escape(", ".join(told))}</p>' if told else ""


def last_minute(seen: Seen) -> str:
    """The rungs of the last minute in words, and why they were not the highest."""
    pages = _asked_ranked(seen.last(MINUTE_S))
    rungs, reasons = summed(pages, PAGES, "rung"), summed(pages, PAGES, "reason")
    asked = sum(rungs.values())
    if not asked:
        return "In the last minute nobody asked for a ranked page."
    parts = [
        f"{rung} {count:,.0f}" for rung, count in sorted(rungs.items(), key=lambda one: -one[1]) if count
    ]
    why = [f"{reason} {count:,.0f}" for reason, count in reasons.items() if reason and count]
    told = f" Why: {', '.join(why)}." if why else ""
    return f"In the last minute {asked:,.0f} ranked pages: {', '.join(parts)}.{told}"


def latency_table(seen: Seen) -> str:
    last = seen.last(MINUTE_S)
    rows = []
    for algorithm in ("ranked", "chronological"):
        served = sum(
            value
            for sample, value in of(last, f"{FEED_SECONDS}_bucket")
            if sample.label("algorithm") == algorithm and sample.label("le") == "+Inf"
        )
        p50, p99 = (quantile(last, FEED_SECONDS, q, algorithm=algorithm) for q in (0.5, 0.99))
        rows.append((algorithm, _count(served), _ms(p50), _ms(p99)))
    return table("Pages of the last minute, by what was served", ("algorithm", "pages", "p50", "p99"), rows)


def lag_table(seen: Seen) -> str:
    if seen.lag is None:
        return '<p class="muted">Not known: the log could not be asked.</p>'
    rows = [
        (
            group,
            _count(sum(topics.values())),
            ", ".join(f"{topic} {count:,}" for topic, count in topics.items() if count) or "-",
        )
        for group, topics in seen.lag.items()
    ]
    return table("Events that are still to be handled", ("group", "events", "of"), rows)


def features_table(seen: Seen) -> str:
    last = seen.last(MINUTE_S)
    read, missing = summed(last, ROWS_READ, "view"), summed(last, ROWS_MISSING, "view")
    rows = []
    for view in sorted(view for view in read if read[view]):
        age_s = quantile(last, ROW_AGE, 0.5, view=view)
        there = f"{1 - missing.get(view, 0.0) / read[view]:.1%}"
        if view == SEEN:
            # No row like the others: who looked at nothing yet has none, and nothing is lost.
            name, there = "what the viewer saw", f"{there}, the others saw nothing lately"
        else:
            name = VIEWS.get(view, view)
        rows.append((name, _count(read[view]), there, age(age_s)))
    if not rows:
        return '<p class="muted">In the last minute nobody asked for features.</p>'
    return table("Rows of the last minute", ("view", "asked for", "were there", "age, median"), rows)


def newest_event(seen: Seen) -> str:
    """How far the features stream is, in words."""
    found = [one.value(NEWEST_EVENT) for one in seen.processes]
    newest_s = max((one for one in found if one), default=None)
    if newest_s is None:
        return "How far the features stream is, is not known."
    return f"The newest event among feature rows is {age(seen.at_ms / 1000 - newest_s)} old."


def _process(one: Process) -> tuple[str, ...]:
    name = f"{one.role}, {one.where}"
    model = "-" if one.report is None else one.report.model or one.report.refused or "no model"
    if one.away:
        return name, "away", model, "-", "-", "-"
    memory = one.value(MEMORY)
    return (
        name,
        "serves" if one.role == "api" else "works",
        model,
        _begins(one),
        _breaker(one.samples),
        "-" if memory is None else f"{memory / 2**20:.0f}\u00a0MB",
    )


def _begins(one: Process) -> str:
    quality = one.value(QUALITY)
    if one.rung == "fewer" and quality is not None:
        return f"{one.rung}, {quality:.0%} of the candidates"
    return one.rung or "-"


def _breaker(samples: Samples) -> str:
    for _, value in of(samples, BREAKER):
        return STATE_WORDS[STATES[min(len(STATES) - 1, max(0, round(value)))]]
    return "-"


def _asked_ranked(samples: Samples) -> Samples:
    return {sample: value for sample, value in of(samples, PAGES) if sample.label("asked") == "ranked"}


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.1f}\u00a0ms"
