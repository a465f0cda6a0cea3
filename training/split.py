"""What is learned from and what is held out: by time, and never a request on both sides."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.dataset import Dataset

HELD_OUT = 0.15


class Split(NamedTuple):
    """The earlier requests, and the last `HELD_OUT` of the rows by time; `words` says so.

    What began before the cut, and has a label that looks past it, is in neither: the embargo.
    """

    learn: Dataset
    held_out: Dataset
    words: str


def split_by_time(dataset: Dataset, *, window_s: float) -> Split:
    """A request belongs where its first impression does; all of one stays together.

    `window_s` is how long after an impression its label may come.
    """
    began_ms = _began_ms(dataset)
    cut_ms = np.quantile(began_ms, 1.0 - HELD_OUT, method="higher") if len(dataset) else 0
    late = began_ms >= cut_ms
    if late.all():
        # Everything began at once: there is nothing to hold out.
        return Split(dataset, dataset.take(np.zeros(len(dataset), np.bool_)), "nothing held out")
    early = ~late & (dataset.ts_ms + round(window_s * 1000) <= cut_ms)
    words = (
        f"by request and time: the last {HELD_OUT:.0%} held out for early stopping, "
        f"{int((~late & ~early).sum()):,} rows within {window_s:g} s before them left out"
    )
    return Split(dataset.take(early), dataset.take(late), words)


def _began_ms(dataset: Dataset) -> NDArray[np.int64]:
    """When each row's request showed its first item: int64 [n]."""
    n_requests = int(dataset.requests.max()) + 1 if len(dataset) else 0
    first_ms = np.full(n_requests, np.iinfo(np.int64).max)
    np.minimum.at(first_ms, dataset.requests, dataset.ts_ms)
    return first_ms[dataset.requests]
