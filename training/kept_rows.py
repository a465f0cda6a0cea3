"""The rows that served items were computed from, out of the lake's offline source."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.row_block import RowBlock
from features.schema import VIEWS, View, ViewName
from stores.lake import LakeReader


class KeptRows(NamedTuple):
    """The blocks of n items, and bool [n] each: whose row the source does not have.

    It is `lost` where the source has a newer row of the entity, and else not there yet.
    """

    blocks: dict[ViewName, RowBlock]
    lost: NDArray[np.bool_]
    not_yet: NDArray[np.bool_]


def kept_rows(reader: LakeReader, items: pl.DataFrame) -> KeptRows:
    """The rows by the versions that `ServedItems.frame` names; `reader` is of the offline source."""
    blocks: dict[ViewName, RowBlock] = {}
    lost, not_yet = np.zeros(items.height, np.bool_), np.zeros(items.height, np.bool_)
    for name, view in VIEWS.items():
        wanted = items.select(
            "item", *view.keys, pl.col("ts_ms").alias("served_ms"), pl.col(f"{name}.seq").alias("seq")
        ).filter(pl.col("seq") > 0)
        found = _found(reader, view, wanted)
        blocks[name] = _block(view, found, items.height)
        absent = wanted.join(found, "item", "anti")
        known = _newest(reader, view, absent)
        is_newer = known["newest"].fill_null(0).to_numpy() > known["seq"].to_numpy()
        lost[known["item"].to_numpy()[is_newer]] = True
        not_yet[known["item"].to_numpy()[~is_newer]] = True
    return KeptRows(blocks, lost, not_yet & ~lost)


def _found(reader: LakeReader, view: View, wanted: pl.DataFrame) -> pl.DataFrame:
    """One row an item that has one: `item`, and the columns of the view."""
    # A row that expired counts from 1 again: of two of the same number, the one that was there then.
    created_ms = pl.col("created").dt.epoch("ms")
    was_there = pl.when(created_ms <= pl.col("served_ms")).then(created_ms).otherwise(-created_ms)
    return (
        reader.scan(view.name)
        .join(wanted.lazy(), [*view.keys, "seq"], "inner")
        .sort("item", was_there, descending=[False, True])
        .unique("item", keep="first", maintain_order=True)
        .collect()
    )


def _newest(reader: LakeReader, view: View, absent: pl.DataFrame) -> pl.DataFrame:
    keys = list(view.keys)
    if absent.is_empty():
        return absent.with_columns(pl.lit(0, pl.Int64()).alias("newest"))
    newest = (
        reader.scan(view.name)
        .join(absent.lazy().select(keys).unique(), keys, "semi")
        .group_by(keys)
        .agg(pl.col("seq").max().alias("newest"))
        .collect()
    )
    return absent.join(newest, keys, "left")


def _block(view: View, found: pl.DataFrame, n: int) -> RowBlock:
    block = RowBlock.missing(view, n)
    at = found["item"].to_numpy()
    block.event_ts_s[at] = found["ts_ms"].to_numpy() // 1_000
    block.seq[at] = found["seq"].to_numpy()
    block.schema_id[at] = found["schema_id"].to_numpy()
    # A row of an older schema lacks younger fields, which then have their defaults.
    values = found.select(pl.col(field.name).fill_null(field.default) for field in view.fields)
    block.values[at] = values.to_numpy()
    block.present[at] = True
    return block
