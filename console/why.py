"""Why a tweet stands where it does: its heads, what they weigh, what multiplies that, and the features."""

from __future__ import annotations

from html import escape

from nicegui import ui

from console.figures import age, plain, share, times
from console.html_table import numbers
from console.words import VIEWS
from ranking.reasons import Candidate, Reasons

_ABOUT = {**VIEWS, "": "request"}


def draw_why(candidate: Candidate, reasons: Reasons) -> None:
    ui.html(_places(candidate, reasons), sanitize=False)
    ui.html(_heads(reasons) + _score(reasons), sanitize=False).classes("tables")
    with ui.element("details").classes("features"):
        title = f"{len(reasons.features)} features, with the age of their rows"
        ui.html(title, sanitize=False, tag="summary")
        ui.html(_features(reasons), sanitize=False)


def _places(candidate: Candidate, reasons: Reasons) -> str:
    in_time = (
        "not in time order at all" if candidate.in_time is None else f"{candidate.in_time + 1} in time order"
    )
    above = f"{reasons.above or 'none'} of its author's {'stands' if reasons.above < 2 else 'stand'} above it"
    words = (
        f"Place {reasons.place + 1}; without author diversity {reasons.plain_place + 1}; {in_time}; {above}. "
        f"Tweet {candidate.tweet.tweet_id}."
    )
    return f'<p class="muted">{escape(words)}</p>'


def _heads(reasons: Reasons) -> str:
    rows = [(one.name, share(one.probability), plain(one.weight), plain(one.part)) for one in reasons.heads]
    return numbers("What the model expects", ("head", "probability", "weight", "part"), rows)


def _score(reasons: Reasons) -> str:
    """From the utility down to the value: every term that there is, by its name."""
    names = list(reasons.terms)
    first, last = names[0], names[-1]
    rows = [(first, plain(reasons.terms[first]))]
    rows += [(name, times(reasons.terms[name])) for name in names[1:-1]]
    rows += [
        (last, plain(reasons.terms[last])),
        ("diversity", times(reasons.diversity)),
        ("value", plain(reasons.value)),
    ]
    return numbers("What becomes of it", ("term", "value"), rows)


def _features(reasons: Reasons) -> str:
    rows = [
        (
            one.name,
            "missing" if one.value is None else plain(one.value),
            _ABOUT.get(one.view, one.view),
            "" if not one.view else "no row" if one.row_age_s is None else age(one.row_age_s),
        )
        for one in reasons.features
    ]
    return numbers("As the model gets them", ("feature", "value", "of", "row's age"), rows)
