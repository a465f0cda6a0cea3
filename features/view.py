"""What a view is: the rows of one kind of entity, and the fields of a row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

ViewName = Literal["g", "u", "a", "t", "va"]
Label = Literal["2d", "30d"]
"""A half-life's name."""

EventKind = Literal["seen", "click", "like", "dwell", "hide", "reply", "retweet", "follow", "tweet"]
"""What an observation can be of."""
SumEvent = Literal["seen", "click", "like", "dwell", "hide", "long_dwell", "reply", "retweet"]
"""What is summed: `dwell` is seconds, `long_dwell` a dwell that says more than passing by."""


@dataclass(frozen=True, slots=True)
class Field:
    """One float32 of a row.

    `sum`: the decayed sum of `event` as of the row's `event_ts`; 0.0 before the first.
    `since`: seconds from the last `event` to the row's `event_ts`; NaN before the first.
    `count`: how often `event` was, less what was taken back; it neither decays nor begins anew.
    `attribute`: what the last `event` said, under this name; NaN before the first.
    """

    name: str
    kind: Literal["sum", "since", "count", "attribute"]
    event: EventKind | SumEvent
    half_life_s: int = 0

    @property
    def default(self) -> float:
        """What a row holds before the first event, and what is read of a row that lacks the field."""
        return 0.0 if self.kind in ("sum", "count") else math.nan


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
