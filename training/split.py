"""What is learned from, what it is stopped by, what it is calibrated by: by time, never a request in two."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

STOP = 0.06
CALIBRATE = 0.06

Rows = NDArray[np.intp]


class Split(NamedTuple):
    """Row numbers, ascending: the earlier requests, those after them, and the last; `words` says so.

    What began before the first cut, and has a label that looks past it, is in none: the embargo.
    Between the two later slices there is none: all that the first of them decides is a number of trees.
    """

    learn: Rows
    stop: Rows
    calibrate: Rows
    words: str


def split_by_time(
    ts_ms: NDArray[np.int64], requests: NDArray[np.int64], rows: Rows, *, window_s: float
) -> Split:
    """Splits `rows`, ascending, of a dataset with these `ts_ms` and `requests` (int64 [n]).

    A request belongs where its first impression does; all of one stays together. The last
    `CALIBRATE` of the rows are calibrated by, `STOP` before them are stopped by. `window_s` is how
    long after an impression its label may come.
    """
    if not len(rows):
        return whole(rows)
    began_ms = _began_ms(ts_ms[rows], requests[rows])
    shares = [1.0 - STOP - CALIBRATE, 1.0 - CALIBRATE]
    first_ms, second_ms = np.quantile(began_ms, shares, method="higher").tolist()
    late, last = began_ms >= first_ms, began_ms >= second_ms
    early = ~late & (ts_ms[rows] + round(window_s * 1000) <= first_ms)
    if not early.any():
        # Everything began at once, or within one window: there is nothing to hold out.
        return whole(rows)
    left_out = int((~late & ~early).sum())
    words = (
        f"by request and time: the last {CALIBRATE:.0%} to calibrate by, {STOP:.0%} before them to stop by, "
        f"{left_out:,} rows within {window_s:g} s before those left out"
    )
    return Split(rows[early], rows[late & ~last], rows[last], words)


def whole(rows: Rows) -> Split:
    """All of it to learn from."""
    return Split(rows, rows[:0], rows[:0], "nothing held out")


def _began_ms(ts_ms: NDArray[np.int64], requests: NDArray[np.int64]) -> NDArray[np.int64]:
    """When each row's request showed its first item: int64 [n]."""
    first_ms = np.full(int(requests.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first_ms, requests, ts_ms)
    return first_ms[requests]
