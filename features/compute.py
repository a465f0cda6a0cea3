"""From rows and a moment to the model's inputs: the same function online, in a replay and in a batch.

Pure numpy, float64 inside, float32 out. Every output depends on its own candidate's rows only, never
on the rest of the batch, and has the same bits in a batch of any size (on another kind of processor
numpy's exp2 may differ in float64's last place, which float32 almost always rounds away).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.ids import EPOCH_MS
from features.formulas import Age, Asked, Formula, HoursSince, Input, LogCount, LogSum, Rate, Value
from features.moments import Moments
from features.row_block import RowBlock
from features.schema import HALF_LIVES_S, INPUTS, SUM_EVENTS, VIEWS, sum_name
from features.view import SumEvent, ViewName

Floats = NDArray[np.float64]

# What the rates are before anything was seen, and how many impressions that opinion is worth.
_FIRST_GUESS: dict[SumEvent, float] = {
    "click": 0.1,
    "like": 0.02,
    "dwell": 3.0,
    "hide": 0.002,
    "long_dwell": 0.1,
    "reply": 0.005,
    "retweet": 0.005,
}
_FIRST_GUESS_STRENGTH = 100.0
# Impressions that a prior is worth against the entity's own.
_STRENGTH: dict[ViewName, float] = {"t": 10.0, "a": 20.0, "u": 10.0, "va": 5.0}

_SECONDS_AN_HOUR = 3600.0
_HOUR_MS, _HOURS_A_DAY = 3_600_000, 24
_LABELS = tuple(HALF_LIVES_S)
_HALF_LIVES = np.array(list(HALF_LIVES_S.values()), np.float64)
# Where a view's sums are: [half-lives, events], whose first event is `seen`.
_SUMS = {
    name: np.array([[view.index(sum_name(event, label)) for event in SUM_EVENTS] for label in _LABELS])
    for name, view in VIEWS.items()
}
_AT = {name: {field.name: at for at, field in enumerate(view.fields)} for name, view in VIEWS.items()}
_RATED = SUM_EVENTS[1:]


@dataclass(frozen=True, slots=True)
class _Known:
    """What is derived once of all rows; arrays of n or 1 rows, NaN where a row is missing or expired.

    `ages` are seconds since each row's time [n or 1], `missing` bool [n or 1] of those views of which there
    are such rows; `sums` are decayed to the moment, `rates` shrunk, both [n or 1, half-lives, events].
    """

    blocks: Mapping[ViewName, RowBlock]
    moments: Moments
    ages: dict[ViewName, Floats]
    missing: dict[ViewName, NDArray[np.bool_]]
    sums: dict[ViewName, Floats]
    rates: dict[ViewName, Floats]


def matrix(
    blocks: Mapping[ViewName, RowBlock], moments: Moments, inputs: tuple[Input, ...] = INPUTS
) -> NDArray[np.float32]:
    """The model's inputs: float32 [n_candidates, len(inputs)], columns in the order of `inputs`.

    A block of every view has n rows, or one that holds for all candidates (`g` and `u` of a request).
    A row whose age at its moment exceeds its view's ttl counts as missing; a row from after it counts
    as of its own time.

    Rates are (events + strength * prior) / (seen + strength), the prior of a tweet being its
    author's rate, of a pair its viewer's, of author and viewer the global one: with a missing row
    a rate is its prior. Every other input of a missing row is NaN.
    """
    known = _derive(blocks, moments)
    columns = np.empty((len(inputs), len(moments.tweets)), np.float32)
    plan = _PLAN if inputs is INPUTS else _planned(inputs)
    for view, wanted in plan.rates.items():
        columns[wanted.at] = known.rates[view][:, wanted.labels, wanted.events].T
    for view, wanted in plan.log_sums.items():
        sums = known.sums[view][:, wanted.labels, wanted.events]
        columns[wanted.at] = np.log1p(np.maximum(sums, 0.0)).T
    for i, formula in plan.others:
        columns[i] = _column(formula, known)
    # One NaN: numpy's vector and scalar paths leave different signs on it.
    columns[np.isnan(columns)] = np.nan
    return np.ascontiguousarray(columns.T)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Columns that come from one array of a view: int64 [k] each, which column, half-life and event."""

    at: NDArray[np.int64]
    labels: NDArray[np.int64]
    events: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Plan:
    """Inputs by how they are made: most are rates, and a view's are taken all at once."""

    rates: Mapping[ViewName, _Wanted]
    log_sums: Mapping[ViewName, _Wanted]
    others: tuple[tuple[int, Formula], ...]


def _planned(inputs: tuple[Input, ...]) -> _Plan:
    rates: dict[ViewName, list[tuple[int, int, int]]] = {}
    log_sums: dict[ViewName, list[tuple[int, int, int]]] = {}
    others: list[tuple[int, Formula]] = []
    for i, one in enumerate(inputs):
        match one.formula:
            case Rate(view, event, label):
                rates.setdefault(view, []).append((i, _LABELS.index(label), _RATED.index(event)))
            case LogSum(view, event, label):
                log_sums.setdefault(view, []).append((i, _LABELS.index(label), SUM_EVENTS.index(event)))
            case other:
                others.append((i, other))
    return _Plan(_wanted(rates), _wanted(log_sums), tuple(others))


def _wanted(columns: Mapping[ViewName, list[tuple[int, int, int]]]) -> dict[ViewName, _Wanted]:
    return {view: _Wanted(*np.array(found, np.int64).T) for view, found in columns.items()}


_PLAN = _planned(INPUTS)


def _derive(blocks: Mapping[ViewName, RowBlock], moments: Moments) -> _Known:
    now_s = moments.at_ms // 1000
    ages = {name: _ages(name, blocks[name], now_s) for name in VIEWS}
    missing = {name: absent for name, its in ages.items() if (absent := np.isnan(its)).any()}
    sums = {name: _sums(name, blocks[name], ages[name]) for name in VIEWS}
    guess = np.array([_FIRST_GUESS[event] for event in _RATED], np.float64)
    rates: dict[ViewName, Floats] = {}
    rates["g"] = _shrunk(sums["g"], guess, _FIRST_GUESS_STRENGTH)
    rates["a"] = _shrunk(sums["a"], rates["g"], _STRENGTH["a"])
    rates["u"] = _shrunk(sums["u"], rates["g"], _STRENGTH["u"])
    rates["t"] = _shrunk(sums["t"], rates["a"], _STRENGTH["t"])
    rates["va"] = _shrunk(sums["va"], rates["u"], _STRENGTH["va"])
    return _Known(blocks, moments, ages, missing, sums, rates)


def _column(formula: Formula, known: _Known) -> NDArray[np.floating]:
    """One input that is neither a rate nor a sum: float [n or 1]."""
    match formula:
        case LogCount(view, field):
            return np.log1p(np.maximum(_stored(view, field, known), 0.0))
        case Value(view, field):
            return _stored(view, field, known)
        case HoursSince(view, field):
            return (known.ages[view] + _stored(view, field, known)) / _SECONDS_AN_HOUR
        case Age(of, unit_s):
            ids = {
                "viewer": known.moments.viewers,
                "author": known.moments.authors,
                "tweet": known.moments.tweets,
            }[of]
            age_ms = known.moments.at_ms - ((ids >> 22) + EPOCH_MS)
            return np.maximum(age_ms, 0) / (1000.0 * unit_s)
        case Asked("hour"):
            return (known.moments.at_ms // _HOUR_MS % _HOURS_A_DAY).astype(np.float64)
        case Asked("surface"):
            return known.moments.surfaces
        case Asked("source"):
            return known.moments.sources
    raise AssertionError(formula)


def _ages(name: ViewName, block: RowBlock, now_s: NDArray[np.int64]) -> Floats:
    """Seconds since each row's time: float64 [n or 1], NaN where the row is missing or expired."""
    age_s = np.maximum(now_s - block.event_ts_s, 0)
    return np.where(block.present & (age_s <= VIEWS[name].ttl_s), age_s.astype(np.float64), np.nan)


def _sums(name: ViewName, block: RowBlock, ages: Floats) -> Floats:
    """The sums decayed by `ages`: float64 [n or 1, half-lives, events], NaN where the row is missing."""
    stored = block.values[:, _SUMS[name]].astype(np.float64)
    return stored * np.exp2(-ages[:, None] / _HALF_LIVES)[:, :, None]


def _shrunk(sums: Floats, prior: Floats, strength: float) -> Floats:
    """Rates per time seen: float64 [n or 1, half-lives, rated events]; a missing row's are the prior.

    Sums are cut at 0: an unlike takes off a whole like, of which a part had decayed already.
    """
    # NaN compares false.
    counted = np.where(sums > 0.0, sums, 0.0)
    return (counted[:, :, 1:] + strength * prior) / (counted[:, :, :1] + strength)


def _stored(view: ViewName, field: str, known: _Known) -> Floats:
    """A field as it is in the rows: float64 [n or 1], NaN where the row is missing or expired."""
    values = known.blocks[view].values[:, _AT[view][field]].astype(np.float64)
    return np.where(known.missing[view], np.nan, values) if view in known.missing else values
