"""The packed feature row, as it stands in Redis and in the stream's own file. Little-endian:

u8 0xF5 | u8 format=1 | u16 schema_id | u32 event_ts_s | u32 seq | f32[n]
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from core.errors import Corrupt, UnknownVersion
from features.row_block import RowBlock
from features.row_layout import layouts
from features.view import View

MAGIC = 0xF5
FORMAT = 1
MAX_TS_S = 2**32 - 1
MAX_SEQ = 2**32 - 1

_HEADER = struct.Struct("<BBHII")


class Row(NamedTuple):
    """One row, decoded. `values` holds float32: what is read back has the bits that were written.

    `schema_id` is that which it was written under.
    """

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
    """One row in the view's fields, whatever published schema it was written under.

    Raises UnknownVersion for another format or a schema of another view or a newer code, Corrupt for
    what is no row of the view.
    """
    if len(packed) < _HEADER.size or packed[0] != MAGIC:
        raise Corrupt(f"{len(packed)} bytes that are not a packed feature row")
    _, format_, schema_id, event_ts_s, seq = _HEADER.unpack_from(packed)
    layout = layouts(view).get(schema_id)
    if format_ != FORMAT or layout is None:
        raise UnknownVersion(
            f"a row of format {format_}, schema {schema_id}; view {view.name} reads format {FORMAT}, "
            f"schemas {', '.join(map(str, layouts(view)))}"
        )
    if len(packed) != header_bytes() + 4 * layout.width:
        raise Corrupt(
            f"a row of view {view.name}, schema {schema_id}, has {header_bytes() + 4 * layout.width} bytes, "
            f"not {len(packed)}"
        )
    values = array("f")
    values.frombytes(packed[_HEADER.size :])
    if schema_id != view.schema_id:
        values = array("f", [d if at < 0 else values[at] for at, d in layout.gathered()])
    return Row(schema_id, event_ts_s, seq, values)


def decode_block(rows: Sequence[bytes | None], view: View) -> RowBlock:
    """n packed rows as columns, without a Python step per row beyond joining them.

    Rows of every published schema of the view, mixed as they come: fields are found by name, what a
    row lacks has the field's default. None is a missing row. A row of another format or schema, or
    of a wrong length, is missing too, and counted in `foreign`.
    """
    size = row_bytes(view)
    # The usual case first: every row is there, and of the view's own schema. Headers are of whole words.
    if rows and all(rows) and set(map(len, found := cast(Sequence[bytes], rows))) == {size}:
        words = np.frombuffer(b"".join(found), "<u4").reshape(len(found), -1)
        if (words[:, 0] == MAGIC | FORMAT << 8 | view.schema_id << 16).all():
            return RowBlock(
                event_ts_s=words[:, 1].astype(np.int64),
                seq=words[:, 2].astype(np.int64),
                schema_id=np.full(len(rows), view.schema_id, np.int64),
                values=words[:, 3:].view("<f4").astype(np.float32),
                present=np.ones(len(rows), np.bool_),
            )
    return _decode_mixed(rows, view, size)


def _decode_mixed(rows: Sequence[bytes | None], view: View, size: int) -> RowBlock:
    """`size` is the length of a row of the view's own schema."""
    found = [b"" if row is None else row for row in rows]
    lengths = np.fromiter(map(len, found), np.int64, len(found))
    if not (lengths == size).all():
        found = [row if len(row) == size else row[:size].ljust(size, b"\0") for row in found]
    table = np.frombuffer(b"".join(found), dtype=row_dtype(view.width), count=len(rows))
    known = (table["magic"] == MAGIC) & (table["format"] == FORMAT)
    values: NDArray[np.float32] = table["values"].astype(np.float32)
    present = known & (table["schema_id"] == view.schema_id) & (lengths == size)
    if not present.all():
        for schema_id, layout in layouts(view).items():
            if schema_id == view.schema_id:
                continue
            older = known & (table["schema_id"] == schema_id)
            older &= lengths == header_bytes() + 4 * layout.width
            if older.any():
                values[older] = np.where(layout.source < 0, layout.defaults, values[older][:, layout.source])
                present |= older
        values[~present] = np.nan
    return RowBlock(
        event_ts_s=np.where(present, table["event_ts_s"], 0).astype(np.int64),
        seq=np.where(present, table["seq"], 0).astype(np.int64),
        schema_id=np.where(present, table["schema_id"], 0).astype(np.int64),
        values=values,
        present=present,
        foreign=len(rows) - rows.count(None) - int(present.sum()),
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
