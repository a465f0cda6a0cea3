"""The offline source: every row that the stream committed, as tables of a lake, one a view.

    ts_ms | chunk | the view's keys | event_ts | created | schema_id | seq | the view's fields

`ts_ms` and `event_ts` are the row's time, whole seconds of event time. `created` (UTC) is when the
row came to be: never before what is in it had arrived, and later than that of every row before it,
so of two rows of an entity the later one is the newer. `chunk` numbers what was committed together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from struct import Struct
from typing import NamedTuple

import numpy as np
import polars as pl

from features.accumulate import PackedRow
from features.packed_row import header_bytes, row_dtype
from features.schema import VIEWS, View, ViewName

DIRECTORY = "features"
"""Below the lake's root; a lake of its own, with a manifest of its own."""

_TIME = pl.Datetime("us", "UTC")
_OWNER = Struct("<qq")


class Chunk(NamedTuple):
    """Rows of one view that were committed together: `rows` times owner and packed row."""

    number: int
    view: ViewName
    created_us: int
    rows: int
    packed: bytes


def _schema(view: View) -> pl.Schema:
    head = {"ts_ms": pl.Int64(), "chunk": pl.Int64()}
    keys = dict.fromkeys(view.keys, pl.Int64())
    times = {"event_ts": _TIME, "created": _TIME, "schema_id": pl.Int64(), "seq": pl.Int64()}
    return pl.Schema({**head, **keys, **times, **{field.name: pl.Float32() for field in view.fields}})


OFFLINE: Mapping[str, pl.Schema] = {name: _schema(view) for name, view in VIEWS.items()}


def pack_owned(rows: Iterable[PackedRow]) -> bytes:
    """Rows of one view and one schema, each behind its owner; the second id is 0 where there is one."""
    return b"".join(
        _OWNER.pack(*(row.entity if isinstance(row.entity, tuple) else (row.entity, 0))) + row.packed
        for row in rows
    )


def frame_of(chunk: Chunk) -> pl.DataFrame:
    """A chunk as rows of its view's table; fields that are younger than the chunk are left out."""
    view = VIEWS[chunk.view]
    fields = (len(chunk.packed) // chunk.rows - _OWNER.size - header_bytes()) // 4
    layout = np.dtype([("owner", "<i8", (2,)), ("row", row_dtype(fields))])
    table = np.frombuffer(chunk.packed, layout)
    row = table["row"]
    seconds = row["event_ts_s"].astype(np.int64)
    frame = pl.DataFrame(
        {
            "ts_ms": seconds * 1_000,
            "chunk": np.full(chunk.rows, chunk.number, np.int64),
            **{key: table["owner"][:, i] for i, key in enumerate(view.keys)},
            "schema_id": row["schema_id"].astype(np.int64),
            "seq": row["seq"].astype(np.int64),
            **{field.name: row["values"][:, i] for i, field in enumerate(view.fields[:fields])},
        }
    )
    return frame.with_columns(
        (pl.col("ts_ms") * 1_000).cast(_TIME).alias("event_ts"),
        pl.lit(chunk.created_us, pl.Int64()).cast(_TIME).alias("created"),
    )
