"""Matrices as rows: the same bytes, names and numbers as a served item has."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from core.errors import Corrupt
from eventlog.envelope import decode_envelope
from eventlog.schema import Scored, record_of
from pipelines.lake_scored import Matrix, frame_of, matrix_of
from stores.lake_tables import SCHEMAS

TS_MS = 1_700_000_000_000
N, HEADS, FEATURES = 3, 2, 4
ARRAYS = ("tweets", "authors", "heads", "scores", "features", "rows")


def scored(**changes: Any) -> Scored:
    whole = Scored(
        viewer=9,
        request_id=bytes(range(16)),
        now_ms=TS_MS - 5,
        slate="s",
        model="home@1",
        objective="engagement@1",
        schema_hash="ab",
        sources=["timeline", "timeline", "popular"],
        views=["g", "t"],
        tweets=np.array([50, 40, 2**62], "<i8").tobytes(),
        authors=np.array([5, 4, 6], "<i8").tobytes(),
        heads=np.arange(N * HEADS, dtype="<f4").tobytes(),
        scores=np.array([0.5, 0.25, 0.125], "<f8").tobytes(),
        features=np.array([np.nan, *range(1, N * FEATURES)], "<f4").tobytes(),
        rows=np.arange(N * 2 * 2, dtype="<u4").tobytes(),
        multipliers=np.arange(N * 3, dtype="<f8").tobytes(),
        places=np.arange(N * 2, dtype="<i4").tobytes(),
        seen=np.array([1.0, 1.0, 0.25], "<f8").tobytes(),
    )
    return msgspec.structs.replace(whole, **changes)


def matrix(event: Scored, id: int = 7, ts_ms: int = TS_MS) -> Matrix:
    return matrix_of(decode_envelope(record_of(event, id=id, ts_ms=ts_ms, key=9).value), event)


def test_a_matrix_is_a_row_a_candidate() -> None:
    event = scored()
    frame = frame_of([matrix(event), matrix(event, id=8)])
    assert frame.schema == SCHEMAS["scored"]
    assert frame["event_id"].to_list() == [7] * N + [8] * N
    last = frame.row(2, named=True)
    assert (last["tweet"], last["author"], last["place"], last["source"]) == (2**62, 6, 2, "popular")
    assert (last["heads"], last["score"]) == ([4.0, 5.0], 0.125)
    assert (last["freshness"], last["source_factor"], last["diversity"]) == (6.0, 7.0, 8.0)
    assert (last["place_before"], last["author_rank"], last["seen"]) == (4, 5, 0.25)
    assert last["rows"] == [
        {"view": "g", "schema_id": 8, "seq": 9},
        {"view": "t", "schema_id": 10, "seq": 11},
    ]
    assert b"".join(frame["features"][:N]) == event.features
    assert (last["request_id"], last["viewer"], last["model"]) == (bytes(range(16)).hex(), 9, "home@1")


def test_of_before_multipliers_were_recorded_there_are_none() -> None:
    assert frame_of([matrix(scored(seen=b""))])["seen"].to_list() == [1.0] * N
    frame = frame_of([matrix(scored(multipliers=b"", places=b"", seen=b""))])
    assert frame.schema == SCHEMAS["scored"]
    assert set(frame.select("freshness", "diversity", "place_before").row(0)) == {None}


def test_what_has_neither_candidates_nor_views_is_no_row_or_an_empty_list() -> None:
    nothing = dict.fromkeys((*ARRAYS, "multipliers", "places", "seen"), b"")
    assert frame_of([matrix(scored(sources=[], **nothing))]).is_empty()
    bare = frame_of([matrix(scored(views=[], rows=b"", heads=b"", features=b""))])
    assert bare["rows"].to_list() == [[]] * N
    assert bare["heads"].to_list() == [[]] * N
    assert bare["features"].to_list() == [b""] * N


@pytest.mark.parametrize("array", [*ARRAYS, "multipliers", "places", "seen"])
def test_an_array_that_does_not_fit_is_named(array: str) -> None:
    with pytest.raises(Corrupt, match=f"{array} are not those of 3 candidates and 2 views"):
        matrix(scored(**{array: b"\0" * 7}))


@pytest.mark.parametrize(
    ("event", "id", "ts_ms", "name"),
    [
        (scored(), 7, -1, "ts_ms"),
        (scored(now_ms=2**60), 7, TS_MS, "now_ms"),
        (scored(viewer=2**63), 7, TS_MS, "viewer"),
        (scored(), 2**63, TS_MS, "id"),
    ],
)
def test_a_number_that_no_column_holds_is_named(event: Scored, id: int, ts_ms: int, name: str) -> None:
    with pytest.raises(Corrupt, match=name):
        matrix(event, id=id, ts_ms=ts_ms)
