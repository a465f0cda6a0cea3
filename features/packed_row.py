"""The packed feature row, as it stands in Redis and in the stream's own file. Little-endian:

u8 0xF5 | u8 format=1 | u16 schema_id | u32 event_ts_s | u32 seq | f32[n]
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.errors import Corrupt, UnknownVersion
from features.row_block import RowBlock
from features.schema import View

MAGIC = 0xF5
FORMAT = 1
MAX_TS_S = 2**32 - 1
MAX_SEQ = 2**32 - 1

_HEADER = struct.Struct("<BBHII")


class Row(NamedTuple):
    """One row, decoded. `values` holds float32: what is read back has the bits that were written."""

    schema_id: int
    event_ts_s: int
    seq: int
    values: array[float]


def row_bytes(view: View) -> int:
    """The length of one packed row of the view."""
    return header_bytes() + 4 * view.width


def header_bytes() -> int:
    """The length of what stands before a row's fields."""
    return _HEADER.size


def event_ts_s_of(packed: bytes) -> int:
    """The time of a packed row, without looking at the rest."""
    event_ts_s: int = _HEADER.unpack_from(packed)[3]
    return event_ts_s


def encode_row(schema_id: int, event_ts_s: int, seq: int, values: array[float]) -> bytes:
    """Packs one row; `values` is an array('f')."""
    return _HEADER.pack(MAGIC, FORMAT, schema_id, event_ts_s, seq) + values.tobytes()


def decode_row(packed: bytes, view: View) -> Row:
    """Raises UnknownVersion for another format or schema, Corrupt for what is no row of the view."""
    if len(packed) < _HEADER.size or packed[0] != MAGIC:
        raise Corrupt(f"{len(packed)} bytes that are not a packed feature row")
    _, format_, schema_id, event_ts_s, seq = _HEADER.unpack_from(packed)
    if format_ != FORMAT or schema_id != view.schema_id:
        raise UnknownVersion(
            f"a row of format {format_}, schema {schema_id}; view {view.name} reads format {FORMAT}, "
            f"schema {view.schema_id}"
        )
    if len(packed) != row_bytes(view):
        raise Corrupt(f"a row of view {view.name} has {row_bytes(view)} bytes, not {len(packed)}")
    values = array("f")
    values.frombytes(packed[_HEADER.size :])
    return Row(schema_id, event_ts_s, seq, values)


def decode_block(rows: Sequence[bytes | None], view: View) -> RowBlock:
    """n packed rows as columns, without a Python step per row beyond joining them.

    None is a missing row. A row of another format or schema, or of a wrong length, is missing too,
    and counted in `foreign`.
    """
    size = row_bytes(view)
    absent = bytes(size)
    # The usual case first: every row is there and has the view's length.
    full = [row if row is not None and len(row) == size else absent for row in rows]
    table = np.frombuffer(b"".join(full), dtype=row_dtype(view.width), count=len(full))
    present = (table["magic"] == MAGIC) & (table["format"] == FORMAT) & (table["schema_id"] == view.schema_id)
    found = len(rows) - rows.count(None)
    values: NDArray[np.float32] = table["values"].astype(np.float32)
    values[~present] = np.nan
    return RowBlock(
        event_ts_s=np.where(present, table["event_ts_s"], 0).astype(np.int64),
        seq=np.where(present, table["seq"], 0).astype(np.int64),
        schema_id=np.where(present, table["schema_id"], 0).astype(np.int64),
        values=values,
        present=present,
        foreign=found - int(present.sum()),
    )


@cache
def row_dtype(fields: int) -> np.dtype[np.void]:
    """A packed row of so many fields, as numpy reads it."""
    return np.dtype(
        [
            ("magic", "u1"),
            ("format", "u1"),
            ("schema_id", "<u2"),
            ("event_ts_s", "<u4"),
            ("seq", "<u4"),
            ("values", "<f4", (fields,)),
        ]
    )
