"""The features of served items once more, from the rows that their records name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.errors import ConfigurationError
from features.compute import matrix
from features.schema import VIEWS
from stores.lake import LakeReader
from training.kept_rows import kept_rows
from training.served_items import ServedItems
from training.served_records import Recorded

Singles = NDArray[np.float32]


def rebuilt_features(offline: LakeReader, records: Sequence[Recorded]) -> list[Singles]:
    """Per record the features of its scored items, float32 [n_scored, n_features], from the rows they name.

    `offline` is of the offline source. Raises ConfigurationError where it does not have all of the rows.
    """
    frame = _frame(records)
    kept = kept_rows(offline, frame)
    absent = kept.lost | kept.not_yet
    if absent.any():
        first = frame.row(int(np.flatnonzero(absent)[0]), named=True)
        why = "it has newer ones" if kept.lost.any() else "they are not there yet: try again in a few seconds"
        raise ConfigurationError(
            f"the offline source lacks rows of {int(absent.sum())} of {frame.height} items, tweet "
            f"{first['tweet']} first: {why}. Without --from-rows the features as served are taken."
        )
    features = matrix(kept.blocks, ServedItems(frame, frame.height, 0).moments())
    sizes = [sum(bool(item.features) for item in one.served.items) for one in records]
    return np.split(features, np.cumsum(sizes)[:-1])


def _frame(records: Sequence[Recorded]) -> pl.DataFrame:
    """What `ServedItems.frame` has of the scored items, in their order."""
    rows = [
        {
            "ts_ms": one.ts_ms,
            "now_ms": one.served.now_ms,
            "viewer": one.served.viewer,
            "tweet": item.tweet,
            "author": item.author,
            "everything": 0,
            "source": item.source,
            "surface": one.served.surface,
            **{f"{view}.seq": item.rows.get(view, (0, 0))[1] for view in VIEWS},
        }
        for one in records
        for item in one.served.items
        if item.features
    ]
    return pl.DataFrame(rows).with_row_index("item")
