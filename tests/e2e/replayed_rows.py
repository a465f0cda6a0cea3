"""The newest rows of an offline source against a replay of the lake's events: the same counts, once each.

The stream applies late events when they come, a replay all in one order: sums then differ in their last
bits, and in nothing else.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from core.ids import MAX_TIME_MS
from features.accumulate import Entity, FeatureState, Observation
from features.offline_rows import DIRECTORY, OFFLINE
from features.schema import VIEWS
from stores.lake import LakeReader
from training.asof import observations

SAME = 1e-4
"""Rows are float32, and every update rounds."""


class Replayed(NamedTuple):
    """`rows` were compared; `recounted` of them have another number of updates than events made them.

    `furthest` is the largest difference of a value, as a part of it (of 1 where it is smaller).
    """

    rows: int
    recounted: int
    furthest: float


def replayed(lake: Path) -> Replayed:
    """Of every entity of every view."""
    state = FeatureState()
    events = observations(LakeReader(lake), until_ms=MAX_TIME_MS).sort("ts_ms", maintain_order=True)
    columns = [events[name].to_list() for name in Observation._fields]
    for one in zip(*columns, strict=True):
        state.apply(Observation._make(one))
    rows = recounted = 0
    furthest = 0.0
    reader = LakeReader(lake / DIRECTORY, OFFLINE)
    for name, view in VIEWS.items():
        keys, fields = list(view.keys), [field.name for field in view.fields]
        newest = reader.scan(name).sort("created").unique(keys, keep="last").collect()
        defaults = newest.select(pl.col(field.name).fill_null(field.default) for field in view.fields)
        for owner, seq, values in zip(
            newest.select(keys).rows(), newest["seq"].to_list(), defaults.select(fields).rows(), strict=True
        ):
            entity: Entity = owner if len(owner) == 2 else owner[0]
            row = state.row(name, entity)
            assert row is not None, f"no event made the row {name} {entity}"
            rows += 1
            recounted += row.seq != seq
            furthest = max(furthest, _furthest(np.array(values), np.array(row.values, np.float64)))
    assert rows == len(state), "events made rows that the source does not have"
    return Replayed(rows, recounted, furthest)


def _furthest(kept: np.typing.NDArray[np.float64], made: np.typing.NDArray[np.float64]) -> float:
    assert (np.isnan(kept) == np.isnan(made)).all()
    apart = np.abs(kept - made) / np.maximum(np.abs(made), 1.0)
    return float(np.nanmax(apart))
