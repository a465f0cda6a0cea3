"""The one definition of features: the views, the fields of their rows, and the model's inputs.

A view keeps one packed row an entity. Its fields are decayed sums of events (a count, or seconds
for dwells, that halves every half-life) and moments of last events. Rates, ages and logarithms are
not stored: `features.compute` derives the model's inputs from the rows and a moment.

A published view is append-only: a new field goes to the end and takes a new `schema_id`
(`features.schema_lock` refuses everything else). A change of a formula in `features.compute`
takes a new `FORMULA_VERSION`, so that no model meets inputs that it was not trained on.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import Literal, get_args

ViewName = Literal["g", "u", "a", "t", "va"]
EventKind = Literal["seen", "click", "like", "dwell", "hide"]
EVENT_KINDS: tuple[EventKind, ...] = get_args(EventKind)

DAY_S = 86_400
# 30 days is also the longest that float32 rows can keep: a second's decay is then 2.7e-7, above half
# a unit in the last place (6e-8), so a sum that is updated every second never stops decaying.
HALF_LIVES_S: dict[str, int] = {"2d": 2 * DAY_S, "30d": 30 * DAY_S}
DWELL_CAP_MS = 120_000
"""A longer dwell says that the viewer left, not that the tweet was better."""

FORMULA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Field:
    """One float32 of a row.

    `sum`: the decayed sum of `event` as of the row's `event_ts`; 0.0 before the first.
    `since`: seconds from the last `event` to the row's `event_ts`; NaN before the first.
    """

    name: str
    kind: Literal["sum", "since"]
    event: EventKind
    half_life_s: int = 0

    @property
    def default(self) -> float:
        return 0.0 if self.kind == "sum" else math.nan


@dataclass(frozen=True, slots=True)
class View:
    """The rows of one kind of entity; all times are whole seconds of event time, UTC."""

    name: ViewName
    entity: str
    schema_id: int
    ttl_s: int
    """A row whose last event is longer ago counts as missing, and its next event starts it anew."""
    fields: tuple[Field, ...]
    keys: tuple[str, ...]
    """What its one or two ids are ids of, in the order of `accumulate.Entity`."""

    @property
    def width(self) -> int:
        return len(self.fields)

    def index(self, field: str) -> int:
        """The position of a field in the row; raises ValueError for an unknown name."""
        return [one.name for one in self.fields].index(field)


# The sums come first, in the same order in every view: [half-life, event] of shape
# [len(HALF_LIVES_S), len(EVENT_KINDS)], which lets compute reshape instead of gather.
SUMS = tuple(
    Field(f"{event}_{label}", "sum", event, half_life_s)
    for label, half_life_s in HALF_LIVES_S.items()
    for event in EVENT_KINDS
)
LAST_SEEN = Field("last_seen", "since", "seen")

VIEWS: dict[ViewName, View] = {
    view.name: view
    for view in (
        View("g", "everything, entity 0", 1, 90 * DAY_S, SUMS, ("everything",)),
        View("u", "viewer", 2, 90 * DAY_S, (*SUMS, LAST_SEEN), ("viewer",)),
        View("a", "author", 3, 90 * DAY_S, SUMS, ("author",)),
        View("t", "tweet", 4, 90 * DAY_S, SUMS, ("tweet",)),
        # By far the most numerous rows, hence the shortest life.
        View("va", "viewer and author", 5, 60 * DAY_S, (*SUMS, LAST_SEEN), ("viewer", "author")),
    )
}

RATE_EVENTS: tuple[EventKind, ...] = EVENT_KINDS[1:]
"""Everything but `seen`, which is what they are divided by."""
RATED_VIEWS: tuple[ViewName, ...] = ("t", "a", "u", "va")


def _counted(view: ViewName) -> tuple[str, ...]:
    rates = tuple(f"{view}.{event}_rate_{label}" for label in HALF_LIVES_S for event in RATE_EVENTS)
    return rates + tuple(f"{view}.seen_log_{label}" for label in HALF_LIVES_S)


FEATURES: tuple[str, ...] = (
    *(name for view in RATED_VIEWS for name in _counted(view)),
    "t.age_h",
    "u.since_seen_h",
    "va.since_seen_h",
)
"""The model's inputs, in the order of the matrix's columns.

`<event>_rate_<half-life>`: events (seconds for `dwell`) per time seen, shrunk towards the prior;
`seen_log`: log1p of the decayed times seen; `_h`: hours.
"""


def _hash() -> str:
    content = [FORMULA_VERSION, list(FEATURES), {view.name: view.schema_id for view in VIEWS.values()}]
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


SCHEMA_HASH = _hash()
"""SHA-256 in hex of the formulas' version, the ordered inputs and the views' schema ids."""
