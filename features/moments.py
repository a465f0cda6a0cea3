"""What is ranked, for whom, when and where: all that the model's inputs need beside the rows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

HOME = "home"
"""The surface that this product has; an import brings its own."""

UNKNOWN = np.array([math.nan], np.float32)
"""Surface or source of all candidates, where nobody said."""

_KNOWN = {HOME: 1, "timeline": 2}
_FIRST_OTHER, _OTHERS = 16, 240


class Moments(NamedTuple):
    """n candidates, in any order.

    `viewers`, `authors`, `tweets` and `at_ms` (UTC, the moment to compute for) are int64, `surfaces`
    and `sources` float32, as `codes` makes them. `authors` and `tweets` are [n], the others [n], or
    [1] where one holds for all.
    """

    viewers: NDArray[np.int64]
    authors: NDArray[np.int64]
    tweets: NDArray[np.int64]
    at_ms: NDArray[np.int64]
    surfaces: NDArray[np.float32]
    sources: NDArray[np.float32]

    def take(self, rows: NDArray[np.intp]) -> Moments:
        """The candidates at these positions, in this order, repeats allowed."""
        n = len(self.tweets)
        return Moments(
            self.viewers[rows] if len(self.viewers) == n else self.viewers,
            self.authors[rows],
            self.tweets[rows],
            self.at_ms[rows] if len(self.at_ms) == n else self.at_ms,
            self.surfaces[rows] if len(self.surfaces) == n else self.surfaces,
            self.sources[rows] if len(self.sources) == n else self.sources,
        )


@lru_cache(maxsize=1_024)
def code(name: str) -> float:
    """A surface's or a source's small integer: the same in every process, NaN for the empty name.

    Names that this code does not know have one of 240 by their CRC-32: two may share one.
    """
    if not name:
        return math.nan
    return float(_KNOWN.get(name) or _FIRST_OTHER + crc32(name.encode()) % _OTHERS)


def codes(names: Iterable[str]) -> NDArray[np.float32]:
    """float32 [n] of n names."""
    return np.array([code(name) for name in names], np.float32)
