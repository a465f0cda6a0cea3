"""When people come and write, how long they look, and how far down."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulation.draws import Floats, exponential, uniform
from simulation.people import Authors, Viewers

HOUR_MS = 3_600_000
MOST_LOOKS = 60
"""No session is longer than that."""
NOTICED = 0.92
"""Of what a viewer scrolls past, so much stands still for half a second; the rest is not seen."""
_FIRST_LOOKS = 3
_PEAKEDNESS = 1.6
_BUSY_HOUR = 0.9

Ints = NDArray[np.int64]


def hours(from_ms: int, until_ms: int) -> Ints:
    """The hours since the epoch that overlap from_ms <= t < until_ms."""
    return np.arange(from_ms // HOUR_MS, -(-until_ms // HOUR_MS))


def by_hour(peak: Floats, hour: Ints) -> Floats:
    """How busy people with `peak` [n] are in `hour` [m], mean 1 over a day: float64 [n, m].

    A von Mises bump over the day, as circadian activity is usually drawn.
    """
    around = np.exp(_PEAKEDNESS * np.cos((np.arange(24)[None, :] - peak[:, None]) * (2.0 * np.pi / 24.0)))
    bump: Floats = around / around.mean(axis=1, keepdims=True)
    return bump[:, hour % 24]


def sessions(seed: int, viewers: Viewers, who: Ints, from_ms: int, until_ms: int) -> tuple[Ints, Ints]:
    """Who of `who` [n] comes when: viewer [s] and the session's begin in UTC milliseconds [s].

    By viewer, then time; at most one in an hour, of which its number is.
    """
    hour = hours(from_ms, until_ms)
    chance = viewers.sessions[who, None] / 24.0 * by_hour(viewers.peak[who], hour)
    comes = uniform(seed, "comes", who[:, None], hour[None, :]) < np.minimum(chance, _BUSY_HOUR)
    row, column = np.nonzero(comes)
    at_ms = hour[column] * HOUR_MS + (uniform(seed, "minute", who[row], hour[column]) * HOUR_MS).astype(
        np.int64
    )
    inside = (at_ms >= from_ms) & (at_ms < until_ms)
    return who[row[inside]], at_ms[inside]


def posts(seed: int, authors: Authors, from_ms: int, until_ms: int) -> tuple[Ints, Ints, Ints]:
    """Who writes when: author [t], UTC milliseconds [t], which of its hour's it is [t]; by time."""
    hour = hours(from_ms, until_ms)
    wanted = authors.tweets[:, None] / 24.0 * by_hour(authors.peak, hour)
    who = np.arange(len(authors))
    number = np.floor(wanted + uniform(seed, "writes", who[:, None], hour[None, :])).astype(np.int64)
    row, column = np.nonzero(number)
    repeats = number[row, column]
    author, at_hour = np.repeat(row, repeats), np.repeat(hour[column], repeats)
    ordinal = np.arange(len(author)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    minute = uniform(seed, "written", author, at_hour, ordinal)
    at_ms = at_hour * HOUR_MS + (minute * HOUR_MS).astype(np.int64)
    order = np.lexsort((ordinal, author, at_ms))
    inside = order[(at_ms[order] >= from_ms) & (at_ms[order] < until_ms)]
    return author[inside], at_ms[inside], ordinal[inside]


def looks(seed: int, viewers: Viewers, viewer: Ints, session: Ints | int) -> Ints:
    """How many items each session looks through: int64 [s], at least 3, at most MOST_LOOKS.

    The chance to get to a place falls with it, as in a cascade: after the first few, each look may be
    the last.
    """
    mean = np.maximum(viewers.looks[viewer] - _FIRST_LOOKS, 1.0)
    further = np.floor(mean * exponential(seed, "looks", viewer, session)).astype(np.int64)
    return np.minimum(_FIRST_LOOKS + further, MOST_LOOKS)


def noticed(seed: int, viewer: Ints, tweet: Ints, session: Ints | int) -> NDArray[np.bool_]:
    """Whether an item that a viewer scrolled past was looked at: bool [n]."""
    return uniform(seed, "noticed", viewer, tweet, session) < NOTICED
