"""Resamples of viewers: what is a sum over rows becomes a sum over viewers, and a resample a product.

Rows of one viewer depend on each other, so viewers are drawn, not rows (the cluster bootstrap; Cameron,
Gelbach, Miller 2008). All that is measured on the same resamples is paired.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

RESAMPLES = 200
_PERCENTILES = (2.5, 97.5)
# Weights are widened so many resamples at a time: 200 MB for a million viewers.
_BLOCK = 25

Floats = NDArray[np.float64]


class Estimate(msgspec.Struct, frozen=True):
    """A value and its 95 % interval; null where it cannot be told."""

    value: float | None
    lo: float | None
    hi: float | None


class Resamples:
    """Each viewer's weight in the data as it is, and in `count` resamples of as many viewers."""

    def __init__(self, viewers: NDArray[np.int64], *, seed: int, count: int = RESAMPLES) -> None:
        """`viewers` int64 [n], one a row; rows are known by their position here ever after."""
        _, codes = np.unique(viewers, return_inverse=True)
        self._codes = codes.astype(np.int64)
        self.n_viewers = int(codes.max()) + 1 if len(codes) else 0
        random = np.random.default_rng(seed)
        # The first row is the data. No viewer is drawn 256 times: a weight is Poisson(1), nearly.
        self._weights = np.ones((count + 1, self.n_viewers), np.uint8)
        for weights in self._weights[1:]:
            drawn = random.integers(0, self.n_viewers, self.n_viewers) if self.n_viewers else codes
            weights[:] = np.bincount(drawn, minlength=self.n_viewers)

    def sums(self, cells: NDArray[np.int64], n_cells: int, rows: NDArray[np.int64], values: Floats) -> Floats:
        """Sums by cell: float64 [n_cells, 1 + count], the data's own in the first column.

        `values` float64 [m] are those of `rows` int64 [m], which may repeat, and go to `cells` int64 [m].
        130,000 rows, 200 resamples: 40 ms.
        """
        by_viewer = sparse.csr_array(
            (values, (cells, self._codes[rows])), shape=(n_cells, self.n_viewers), dtype=np.float64
        )
        total = np.empty((n_cells, len(self._weights)))
        for first in range(0, len(self._weights), _BLOCK):
            block = self._weights[first : first + _BLOCK]
            total[:, first : first + _BLOCK] = by_viewer @ np.ascontiguousarray(block.T, np.float64)
        return total


def estimate(values: Floats) -> Estimate:
    """Of a value in the data (first) and in each resample: float64 [1 + count], NaN where it has none."""
    drawn = values[1:][~np.isnan(values[1:])]
    if np.isnan(values[0]) or not len(drawn):
        return Estimate(_known(values[0]), None, None)
    lo, hi = np.percentile(drawn, _PERCENTILES)
    return Estimate(float(values[0]), float(lo), float(hi))


def interval(one: Estimate | None, *, digits: int = 4, signed: bool = False) -> str:
    """A value with its interval in words, "-" where it cannot be told."""
    if one is None or one.value is None:
        return "-"
    # z: what rounds to nothing has no sign.
    form = f"{'+' if signed else ''}z.{digits}f"
    if one.lo is None or one.hi is None:
        return f"{one.value:{form}}"
    return f"{one.value:{form}} ({one.lo:{form}} to {one.hi:{form}})"


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
