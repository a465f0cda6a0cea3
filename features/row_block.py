"""Rows of one view as columns: what compute reads, whether they come from Redis or from a replay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.view import View


@dataclass(frozen=True, slots=True, eq=False)
class RowBlock:
    """n rows of one view; row i belongs to candidate i, or the only row to all of them.

    `values` is float32 [n, view.width], NaN where a row is missing; `event_ts_s` (UTC seconds),
    `seq` and `schema_id` are int64 [n], 0 where missing; `present` is bool [n]. `foreign` counts
    the rows that were there but could not be read: another format, another schema, damage.
    """

    event_ts_s: NDArray[np.int64]
    seq: NDArray[np.int64]
    schema_id: NDArray[np.int64]
    values: NDArray[np.float32]
    present: NDArray[np.bool_]
    foreign: int = 0

    @classmethod
    def missing(cls, view: View, n: int) -> RowBlock:
        """n missing rows, to be filled by `put`."""
        return cls(
            event_ts_s=np.zeros(n, np.int64),
            seq=np.zeros(n, np.int64),
            schema_id=np.zeros(n, np.int64),
            values=np.full((n, view.width), np.nan, np.float32),
            present=np.zeros(n, np.bool_),
        )

    def put(self, i: int, *, schema_id: int, event_ts_s: int, seq: int, values: Sequence[float]) -> None:
        """Fills row i; `values` are view.width floats that are exact in float32."""
        self.event_ts_s[i] = event_ts_s
        self.seq[i] = seq
        self.schema_id[i] = schema_id
        self.values[i] = values
        self.present[i] = True

    def take(self, rows: NDArray[np.intp]) -> RowBlock:
        """The rows at these positions, in this order, repeats allowed."""
        return RowBlock(
            self.event_ts_s[rows],
            self.seq[rows],
            self.schema_id[rows],
            self.values[rows],
            self.present[rows],
            self.foreign,
        )

    @property
    def hit_rate(self) -> float:
        """The share of rows that are there; 1.0 where none was asked for."""
        return int(np.count_nonzero(self.present)) / self.present.size if self.present.size else 1.0

    def __len__(self) -> int:
        return int(self.present.size)
