"""The packed row: its bytes are a contract, and what is no row of the view is missing."""

from __future__ import annotations

import struct
from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Corrupt, UnknownVersion
from features.packed_row import decode_block, decode_row, encode_row, row_bytes
from features.schema import VIEWS
from features.schema_lock import read_lock

VIEW = VIEWS["va"]
VALUES = array("f", [float(i) / 3 for i in range(VIEW.width)])
ROW = encode_row(VIEW.schema_id, 1_700_000_000, 7, VALUES)
FLOATS = st.lists(st.floats(width=32), min_size=VIEW.width, max_size=VIEW.width)


def test_the_layout_is_that_of_the_contracts() -> None:
    header = struct.pack("<BBHII", 0xF5, 1, VIEW.schema_id, 1_700_000_000, 7)
    assert header == b"\xf5\x01%c\x00\x00\xf1\x53\x65\x07\x00\x00\x00" % VIEW.schema_id
    assert header + struct.pack(f"<{VIEW.width}f", *VALUES) == ROW
    assert len(ROW) == row_bytes(VIEW)


@given(FLOATS, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_what_is_read_has_the_bits_that_were_written(values: list[float], ts_s: int, seq: int) -> None:
    packed = encode_row(VIEW.schema_id, ts_s, seq, array("f", values))
    row = decode_row(packed, VIEW)
    assert (row.schema_id, row.event_ts_s, row.seq) == (VIEW.schema_id, ts_s, seq)
    assert encode_row(*row) == packed
    block = decode_block([packed], VIEW)
    assert (int(block.event_ts_s[0]), int(block.seq[0])) == (ts_s, seq)
    assert block.values.tobytes() == packed[12:]


@pytest.mark.parametrize(
    ("packed", "error"),
    [
        (b"", Corrupt),
        (ROW[:11], Corrupt),
        (b"\x00" + ROW[1:], Corrupt),
        (ROW[:-1], Corrupt),
        (ROW + b"\0", Corrupt),
        (ROW[:1] + b"\x02" + ROW[2:], UnknownVersion),
        (encode_row(99, 1, 1, VALUES), UnknownVersion),
    ],
    ids=["empty", "short header", "magic", "short", "long", "format", "schema"],
)
def test_what_is_no_row_of_the_view_raises_alone_and_is_missing_and_counted_in_a_block(
    packed: bytes, error: type[Corrupt]
) -> None:
    with pytest.raises(error):
        decode_row(packed, VIEW)
    block = decode_block([ROW, packed, None, ROW], VIEW)
    assert block.present.tolist() == [True, False, False, True]
    assert block.foreign == 1
    assert np.isnan(block.values[1:3]).all()
    assert block.event_ts_s.tolist() == [1_700_000_000, 0, 0, 1_700_000_000]
    assert block.schema_id.tolist() == [VIEW.schema_id, 0, 0, VIEW.schema_id]
    assert block.seq.tolist() == [7, 0, 0, 7]


def test_rows_of_every_published_schema_are_read_by_name_in_one_block() -> None:
    older = encode_row(5, 1_600_000_000, 3, array("f", [float(i) for i in range(11)]))
    block = decode_block([older, ROW, None, older, ROW], VIEW)
    assert block.present.tolist() == [True, True, False, True, True]
    assert block.foreign == 0
    assert block.schema_id.tolist() == [5, VIEW.schema_id, 0, 5, VIEW.schema_id]
    assert block.seq.tolist() == [3, 7, 0, 3, 7]
    locked = [field.name for field in read_lock().schemas["5"].fields]
    for i, field in enumerate(VIEW.fields):
        expected = float(locked.index(field.name)) if field.name in locked else field.default
        assert block.values[[0, 3], i].tolist() == pytest.approx([expected] * 2, nan_ok=True)
    assert block.values[1].tobytes() == block.values[4].tobytes() == ROW[12:]
    alone = decode_row(older, VIEW)
    assert (alone.schema_id, alone.event_ts_s, alone.seq) == (5, 1_600_000_000, 3)
    assert alone.values.tobytes() == block.values[0].tobytes()


@pytest.mark.parametrize("fields", [10, 12, VIEW.width])
def test_an_older_row_of_another_length_is_foreign(fields: int) -> None:
    wrong = encode_row(5, 1, 1, array("f", [0.0] * fields))
    with pytest.raises(Corrupt):
        decode_row(wrong, VIEW)
    assert decode_block([wrong, ROW], VIEW).foreign == 1
    # The id of another view's schema.
    assert decode_block([encode_row(4, 1, 1, array("f", [0.0] * 10))], VIEW).foreign == 1


def test_a_block_of_nothing() -> None:
    block = decode_block([], VIEW)
    assert len(block) == 0
    assert block.values.shape == (0, VIEW.width)
    assert block.hit_rate == 1.0
