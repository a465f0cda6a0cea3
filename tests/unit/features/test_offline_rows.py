"""The offline source's tables: generated from the schema, and the bits of the packed rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from features.accumulate import FeatureState, Observation
from features.offline_rows import OFFLINE, Chunk, frame_of, pack_owned
from features.packed_row import decode_row
from features.schema import VIEWS, ViewName

NOW_MS = 1_700_000_000_999


def chunk_of(view: ViewName) -> tuple[Chunk, FeatureState]:
    state = FeatureState()
    for i in range(20):
        state.apply(Observation(NOW_MS + i * 7_000, "click", 1 + i % 3, 50 + i % 4, 70 + i))
    rows = [row for row in state.drain() if row.view == view]
    return Chunk(9, view, NOW_MS * 1_000 + 1, len(rows), pack_owned(rows)), state


def test_every_view_has_a_table_whose_columns_are_its_keys_and_fields() -> None:
    for name, view in VIEWS.items():
        columns = OFFLINE[name].names()
        assert columns[: 2 + len(view.keys)] == ["ts_ms", "chunk", *view.keys]
        assert columns[-view.width :] == [field.name for field in view.fields]
        assert len(set(columns)) == len(columns)


def test_a_chunk_keeps_every_bit_and_says_whose_rows_they_are() -> None:
    for name, view in VIEWS.items():
        chunk, state = chunk_of(name)
        frame = frame_of(chunk)
        assert dict(frame.schema) == {column: OFFLINE[name][column] for column in frame.columns}
        assert set(frame.columns) == set(OFFLINE[name])
        for i in range(len(frame)):
            at = frame.row(i, named=True)
            ids = tuple(at[key] for key in view.keys)
            row = state.row(name, ids if len(ids) == 2 else ids[0])
            assert row is not None
            assert (at["seq"], at["schema_id"]) == (row.seq, view.schema_id)
            assert at["ts_ms"] == row.event_ts_s * 1_000
            assert at["event_ts"] == datetime.fromtimestamp(row.event_ts_s, UTC)
            assert at["created"] == datetime(2023, 11, 14, 22, 13, 20, 999_001, UTC)
            values = np.array([at[field.name] for field in view.fields], np.float32)
            assert values.tobytes() == np.array(row.values, np.float32).tobytes()


def test_a_chunk_of_an_older_schema_lacks_the_younger_fields() -> None:
    chunk, _ = chunk_of("t")
    view = VIEWS["t"]
    older = replace(view, fields=view.fields[:-2])
    size = len(chunk.packed) // chunk.rows
    narrow = b"".join(chunk.packed[i * size : (i + 1) * size - 8] for i in range(chunk.rows))
    frame = frame_of(chunk._replace(packed=narrow))
    assert set(OFFLINE["t"]) - set(frame.columns) == {field.name for field in view.fields[-2:]}
    assert frame[older.fields[0].name].equals(frame_of(chunk)[older.fields[0].name])
    assert decode_row(chunk.packed[16:size], view).schema_id == frame["schema_id"][0]
