"""The one definition of features: the views, the fields of their rows, and the model's inputs.

A view keeps one packed row an entity. Its fields are decayed sums of events (a count, or seconds
for dwells, that halves every half-life), moments of last events, counts, and attributes. Rates, ages
and logarithms are not stored: `features.compute` derives the model's inputs from the rows and a
moment, by the formula that stands here beside each input's name.

A published view is append-only: a new field goes to the end and takes a new `schema_id`
(`features.schema_lock` refuses everything else). A change of a formula in `features.compute`
takes a new `FORMULA_VERSION`, so that no model meets inputs that it was not trained on.
"""

from __future__ import annotations

import hashlib
import json
from typing import get_args

from features.formulas import Age, Asked, HoursSince, Input, LogCount, LogSum, Rate, Value
from features.view import EventKind, Field, Label, SumEvent, View, ViewName

__all__ = [
    "DAY_S",
    "DWELL_CAP_MS",
    "ENGAGEMENTS",
    "FEATURES",
    "FORMULA_VERSION",
    "HALF_LIVES_S",
    "INPUTS",
    "LONG_DWELL_MS",
    "MEDIA_KINDS",
    "OTHER_MEDIA",
    "SCHEMA_HASH",
    "SUM_EVENTS",
    "TWEET_ATTRIBUTES",
    "VIEWS",
    "EventKind",
    "Field",
    "View",
    "ViewName",
    "sum_name",
]

DAY_S = 86_400
HOUR_S = 3_600
# 30 days is also the longest that float32 rows can keep: a second's decay is then 2.7e-7, above half
# a unit in the last place (6e-8), so a sum that is updated every second never stops decaying.
HALF_LIVES_S: dict[Label, int] = {"2d": 2 * DAY_S, "30d": 30 * DAY_S}
DWELL_CAP_MS = 120_000
"""A longer dwell says that the viewer left, not that the tweet was better."""
LONG_DWELL_MS = 10_000
"""From here on a dwell counts as a long one: 280 characters are read in less."""

FORMULA_VERSION = 2

ENGAGEMENTS: tuple[EventKind, ...] = ("seen", "click", "like", "dwell", "hide", "reply", "retweet")
"""What viewers do with tweets: these are summed, in the rows of all that they concern."""
SUM_EVENTS: tuple[SumEvent, ...] = get_args(SumEvent)


def sum_name(event: SumEvent, half_life: Label) -> str:
    """The field of a decayed sum, in every view."""
    return f"{event}_{half_life}"


def _sums(*events: SumEvent) -> tuple[Field, ...]:
    return tuple(
        Field(sum_name(event, label), "sum", event, half_life_s)
        for label, half_life_s in HALF_LIVES_S.items()
        for event in events
    )


_FIRST = _sums("seen", "click", "like", "dwell", "hide")
_LAST_SEEN = Field("last_seen", "since", "seen")
_SECOND = _sums("long_dwell", "reply", "retweet")
_TWEET = tuple(
    Field(name, "attribute", "tweet") for name in ("text_len", "media_kind", "is_reply", "is_retweet")
)
TWEET_ATTRIBUTES: tuple[str, ...] = tuple(field.name for field in _TWEET)
"""What an observation of a new tweet says, in this order: code points, a kind of media, 0 or 1."""

MEDIA_KINDS: dict[str, int] = {"": 0, "image": 1, "video": 2, "gif": 3, "audio": 4}
"""A kind of media as the small integer that rows hold; "" is a tweet without any."""
OTHER_MEDIA = 5

VIEWS: dict[ViewName, View] = {
    view.name: view
    for view in (
        View("g", "everything, entity 0", 6, 90 * DAY_S, (*_FIRST, *_SECOND), ("everything",)),
        View(
            "u",
            "viewer",
            7,
            90 * DAY_S,
            (*_FIRST, _LAST_SEEN, *_SECOND, Field("followees", "count", "follow")),
            ("viewer",),
        ),
        View(
            "a",
            "author",
            8,
            90 * DAY_S,
            (*_FIRST, *_SECOND, Field("followers", "count", "follow")),
            ("author",),
        ),
        View("t", "tweet", 9, 90 * DAY_S, (*_FIRST, *_SECOND, *_TWEET), ("tweet",)),
        View(
            "va",
            "viewer and author",
            10,
            # By far the most numerous rows, hence the shortest life.
            60 * DAY_S,
            (
                *_FIRST,
                _LAST_SEEN,
                *_SECOND,
                # When, so that an older word never takes the place of a newer one.
                Field("last_follow", "since", "follow"),
                Field("follows", "attribute", "follow"),
            ),
            ("viewer", "author"),
        ),
    )
}


def _rated(view: ViewName) -> tuple[Input, ...]:
    """Rates of everything but `seen`, which is what they are divided by, and that."""
    rates = tuple(
        Input(f"{view}.{event}_rate_{label}", Rate(view, event, label))
        for label in HALF_LIVES_S
        for event in SUM_EVENTS[1:]
    )
    return rates + tuple(
        Input(f"{view}.seen_log_{label}", LogSum(view, "seen", label)) for label in HALF_LIVES_S
    )


INPUTS: tuple[Input, ...] = (
    *_rated("t"),
    *_rated("a"),
    *_rated("u"),
    *_rated("va"),
    Input("t.age_h", Age("tweet", HOUR_S)),
    Input("a.age_d", Age("author", DAY_S)),
    Input("u.age_d", Age("viewer", DAY_S)),
    Input("u.since_seen_h", HoursSince("u", "last_seen")),
    Input("va.since_seen_h", HoursSince("va", "last_seen")),
    Input("t.length", Value("t", "text_len")),
    Input("t.media", Value("t", "media_kind")),
    Input("t.reply", Value("t", "is_reply")),
    Input("t.retweet", Value("t", "is_retweet")),
    Input("a.followers_log", LogCount("a", "followers")),
    Input("u.followees_log", LogCount("u", "followees")),
    # 1 in the viewer's network, 0 no longer; missing where no follow is known.
    Input("va.in_network", Value("va", "follows")),
    Input("c.hour", Asked("hour")),
    Input("c.surface", Asked("surface")),
    Input("c.source", Asked("source")),
)
"""The model's inputs, in the order of the matrix's columns; named by what they are about (`c` is the
request), then by what it is: `_h` is hours, `_d` days, `_log` log1p. None is named as a field of its
view is: Feast has both under one roof."""

FEATURES: tuple[str, ...] = tuple(one.name for one in INPUTS)


def _hash() -> str:
    inputs = [[one.name, repr(one.formula)] for one in INPUTS]
    content = [FORMULA_VERSION, inputs, {view.name: view.schema_id for view in VIEWS.values()}]
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


SCHEMA_HASH = _hash()
"""SHA-256 in hex of the formulas' version, the ordered inputs and the views' schema ids."""
