"""Chance, by what it is about and not by when it is asked for.

A draw is a pure function of (seed, event, keys), as in counter-based generators such as Philox (Salmon et
al., "Parallel random numbers: as easy as 1, 2, 3", 2011), so that whatever runs side by side, and in
whichever order, comes to the same. Words are mixed by the finalizer of SplitMix64 (Steele, Lea and Flood,
2014), over whole arrays.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.int64] | int
Floats = NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_UNIT = 2.0**-53


def uniform(seed: int, event: str, *keys: Keys) -> Floats:
    """float64 in [0, 1) of the keys' common shape (at least [1]); the same arguments, the same numbers."""
    state = _mixed(np.array([(seed << 32 ^ zlib.crc32(event.encode())) & 0xFFFFFFFFFFFFFFFF], np.uint64))
    for key in keys:
        words = np.atleast_1d(np.asarray(key, np.int64)).view(np.uint64)
        state = _mixed(_mixed(words) ^ state)
    return (state >> np.uint64(11)).astype(np.float64) * _UNIT


def normal(seed: int, event: str, *keys: Keys) -> Floats:
    """Standard normal, by Box and Muller."""
    radius = np.sqrt(-2.0 * np.log1p(-uniform(seed, f"{event} radius", *keys)))
    return np.asarray(radius * np.cos(2.0 * np.pi * uniform(seed, f"{event} angle", *keys)), np.float64)


def exponential(seed: int, event: str, *keys: Keys) -> Floats:
    """Of mean 1."""
    return np.asarray(-np.log1p(-uniform(seed, event, *keys)), np.float64)


def pareto(seed: int, event: str, shape: float, *keys: Keys) -> Floats:
    """From 1 upwards: P(x > a) = a ** -shape, which is what a heavy tail means here."""
    return np.asarray((1.0 - uniform(seed, event, *keys)) ** (-1.0 / shape), np.float64)


def gumbel(seed: int, event: str, *keys: Keys) -> Floats:
    """Added to log weights, the largest are a draw without replacement."""
    return np.asarray(-np.log(exponential(seed, event, *keys) + 1e-300), np.float64)


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of SplitMix64, on arrays (which wrap, where scalars would warn)."""
    mixed = words + _GOLDEN
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
    return mixed ^ (mixed >> np.uint64(31))
