"""From rows and a moment to the model's inputs: the same function online, in a replay and in a batch.

Pure numpy, float64 inside, float32 out. Every output depends on its own candidate's rows only, never
on the rest of the batch, and has the same bits in a batch of any size (on another kind of processor
numpy's exp2 may differ in float64's last place, which float32 almost always rounds away).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from core.ids import EPOCH_MS
from features.row_block import RowBlock
from features.schema import (
    EVENT_KINDS,
    FEATURES,
    HALF_LIVES_S,
    LAST_SEEN,
    RATE_EVENTS,
    RATED_VIEWS,
    SUMS,
    VIEWS,
    EventKind,
    ViewName,
)

Floats = NDArray[np.float64]

# What the rates are before anything was seen, and how many impressions that opinion is worth.
_FIRST_GUESS: dict[EventKind, float] = {"click": 0.1, "like": 0.02, "dwell": 3.0, "hide": 0.002}
_FIRST_GUESS_STRENGTH = 100.0
# Impressions that a prior is worth against the entity's own.
_STRENGTH: dict[ViewName, float] = {"t": 10.0, "a": 20.0, "u": 10.0, "va": 5.0}

_HALF_LIVES = np.array(list(HALF_LIVES_S.values()), np.float64)
_SHAPE = (len(HALF_LIVES_S), len(EVENT_KINDS))
_SECONDS_AN_HOUR = 3600.0
_RATES = len(HALF_LIVES_S) * len(RATE_EVENTS)


def matrix(
    blocks: Mapping[ViewName, RowBlock], tweet_ids: NDArray[np.int64], now_ms: int | NDArray[np.int64]
) -> NDArray[np.float32]:
    """The model's inputs: float32 [n_candidates, len(FEATURES)], columns in the order of FEATURES.

    `tweet_ids` is int64 [n]. A block of every view has n rows, or one that holds for all candidates
    (`g` and `u` of a request). `now_ms` is the moment to decay to, UTC: one, or int64 [n] with each
    candidate's own. A row whose age then exceeds its view's ttl counts as missing; a row from
    after it counts as of its own time.

    Rates are (events + strength * prior) / (seen + strength), the prior of a tweet being its
    author's rate, of a pair its viewer's, of author and viewer the global one: with a missing row
    a rate is its prior. Every other input of a missing row is NaN.
    """
    now_ms = np.atleast_1d(np.asarray(now_ms, np.int64))
    now_s = now_ms // 1000
    ages = {name: _ages(name, blocks[name], now_s) for name in VIEWS}
    sums = {name: _sums(blocks[name], ages[name]) for name in VIEWS}

    guess = np.array([_FIRST_GUESS[event] for event in RATE_EVENTS], np.float64)
    rates: dict[ViewName, Floats] = {}
    rates["g"] = _shrunk(sums["g"], guess, _FIRST_GUESS_STRENGTH)
    rates["a"] = _shrunk(sums["a"], rates["g"], _STRENGTH["a"])
    rates["u"] = _shrunk(sums["u"], rates["g"], _STRENGTH["u"])
    rates["t"] = _shrunk(sums["t"], rates["a"], _STRENGTH["t"])
    rates["va"] = _shrunk(sums["va"], rates["u"], _STRENGTH["va"])

    inputs = np.empty((len(tweet_ids), len(FEATURES)), np.float32)
    column = 0
    for name in RATED_VIEWS:
        inputs[:, column : column + _RATES] = rates[name].reshape(-1, _RATES)
        column += _RATES
        inputs[:, column : column + len(HALF_LIVES_S)] = np.log1p(np.maximum(sums[name][:, :, 0], 0.0))
        column += len(HALF_LIVES_S)
    created_ms = (tweet_ids >> 22) + EPOCH_MS
    inputs[:, column] = np.maximum(now_ms - created_ms, 0) / (1000.0 * _SECONDS_AN_HOUR)
    inputs[:, column + 1] = _hours_since_seen("u", blocks["u"], ages["u"])
    inputs[:, column + 2] = _hours_since_seen("va", blocks["va"], ages["va"])
    # One NaN: numpy's vector and scalar paths leave different signs on it.
    inputs[np.isnan(inputs)] = np.nan
    return inputs


def _ages(name: ViewName, block: RowBlock, now_s: NDArray[np.int64]) -> Floats:
    """Seconds since each row's time: float64 [n or 1], NaN where the row is missing or expired."""
    age_s = np.maximum(now_s - block.event_ts_s, 0)
    return np.where(block.present & (age_s <= VIEWS[name].ttl_s), age_s.astype(np.float64), np.nan)


def _sums(block: RowBlock, ages: Floats) -> Floats:
    """The sums decayed by `ages`: float64 [n or 1, half-lives, events], NaN where the row is missing."""
    stored = block.values[:, : len(SUMS)].astype(np.float64).reshape(-1, *_SHAPE)
    return stored * np.exp2(-ages[:, None] / _HALF_LIVES)[:, :, None]


def _shrunk(sums: Floats, prior: Floats, strength: float) -> Floats:
    """Rates per time seen: float64 [n or 1, half-lives, len(RATE_EVENTS)]; a missing row's are the prior.

    Sums are cut at 0: an unlike takes off a whole like, of which a part had decayed already.
    """
    counted = np.nan_to_num(np.maximum(sums, 0.0), nan=0.0)
    return (counted[:, :, 1:] + strength * prior) / (counted[:, :, :1] + strength)


def _hours_since_seen(name: ViewName, block: RowBlock, ages: Floats) -> Floats:
    since = block.values[:, VIEWS[name].index(LAST_SEEN.name)].astype(np.float64)
    return (ages + since) / _SECONDS_AN_HOUR
