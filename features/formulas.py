"""What an input of the model can be: each formula says what it is made of, `features.compute` how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from features.view import Label, SumEvent, ViewName


@dataclass(frozen=True, slots=True)
class Rate:
    """Events (seconds for `dwell`) per time seen, shrunk towards the prior; never missing."""

    view: ViewName
    event: SumEvent
    half_life: Label


@dataclass(frozen=True, slots=True)
class LogSum:
    """log1p of a decayed sum."""

    view: ViewName
    event: SumEvent
    half_life: Label


@dataclass(frozen=True, slots=True)
class LogCount:
    """log1p of a field that is a count."""

    view: ViewName
    field: str


@dataclass(frozen=True, slots=True)
class Value:
    """A field as it is stored: an attribute."""

    view: ViewName
    field: str


@dataclass(frozen=True, slots=True)
class HoursSince:
    """Hours from the event of a `since` field to the moment."""

    view: ViewName
    field: str


@dataclass(frozen=True, slots=True)
class Age:
    """From the time in an id to the moment, in units of so many seconds; never below 0."""

    of: Literal["viewer", "author", "tweet"]
    unit_s: int


@dataclass(frozen=True, slots=True)
class Asked:
    """Of the request: `hour` of the day, UTC, 0 to 23; `surface` and `source` by `features.moments.code`."""

    what: Literal["hour", "surface", "source"]


Formula = Rate | LogSum | LogCount | Value | HoursSince | Age | Asked


@dataclass(frozen=True, slots=True)
class Input:
    """One column of the matrix."""

    name: str
    formula: Formula


def row_of(formula: Formula) -> ViewName | None:
    """The view whose row an input is made of; None for what needs none. (A rate's prior has other rows.)"""
    match formula:
        case Rate(view) | LogSum(view) | LogCount(view) | Value(view) | HoursSince(view):
            return view
        case Age() | Asked():
            return None
