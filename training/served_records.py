"""What was served, request by request, as its records say: out of the lake, or out of the log."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from core.ids import uuid7_time_ms
from eventlog.schema import Scored, Served, ServedItem
from features.moments import HOME
from features.schema import VIEWS
from stores.lake import LakeReader

AROUND_MS = 60_000
"""A request's id has its time; by how much the clocks of those who wrote may differ."""
_PAGE = (
    *("viewer", "now_ms", "algorithm", "rung", "reason", "model", "objective", "schema_hash"),
    *("policy", "temperature"),
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One served page, when it was served (UTC), and the whole slate where that was recorded too."""

    served: Served
    ts_ms: int
    slate: Scored | None = None


def lake_record(reader: LakeReader, request: uuid.UUID) -> Recorded | None:
    """The record of one request; None where the lake does not have it."""
    around = request_range(request)
    mine = pl.col("request_id") == request.hex
    rows = reader.scan("served", from_ms=around[0], to_ms=around[1]).filter(mine).collect()
    if rows.is_empty():
        return None
    (recorded,) = _pages(rows.filter(pl.col("event_id") == rows["event_id"].min()))
    slates = _slates(reader, *around, pl.Series([request.hex]))
    return Recorded(recorded.served, recorded.ts_ms, slates.get(request.bytes))


def lake_records(
    reader: LakeReader, *, from_ms: int | None, to_ms: int | None, most: int, seed: int
) -> list[Recorded]:
    """At most `most` of the pages with a scored item that were served in a time, drawn evenly."""
    scored = pl.col("features").bin.size().fill_null(0) > 0
    pages = (
        reader.scan("served", from_ms=from_ms, to_ms=to_ms)
        .filter(scored)
        .select(pl.col("event_id").unique().sort())
        .collect()["event_id"]
    )
    drawn = np.random.default_rng(seed).choice(len(pages), min(most, len(pages)), replace=False)
    wanted = pages.gather(np.sort(drawn)).implode()
    rows = reader.scan("served", from_ms=from_ms, to_ms=to_ms).filter(pl.col("event_id").is_in(wanted))
    pages_of = list(_pages(rows.collect()))
    slates = _slates(reader, from_ms, to_ms, pl.Series([one.served.request_id.hex() for one in pages_of]))
    return [Recorded(one.served, one.ts_ms, slates.get(one.served.request_id)) for one in pages_of]


def request_range(request: uuid.UUID) -> tuple[int, int]:
    """From when to when (UTC milliseconds) the records of a request can be."""
    at_ms = uuid7_time_ms(request)
    return at_ms - AROUND_MS, at_ms + AROUND_MS


def _pages(rows: pl.DataFrame) -> Iterable[Recorded]:
    for page in rows.sort("event_id", "position").partition_by("event_id", maintain_order=True):
        first = page.row(0, named=True)
        served = Served(
            **{name: first[name] for name in _PAGE},
            request_id=bytes.fromhex(first["request_id"]),
            items=[_item(row) for row in page.iter_rows(named=True)],
            # There was one surface before it was written down.
            surface=HOME if first["surface"] is None else first["surface"],
        )
        yield Recorded(served, first["ts_ms"])


def _item(row: Mapping[str, Any]) -> ServedItem:
    given = {
        name: row[name]
        for name in ("freshness", "source_factor", "diversity", "place_before", "author_rank", "seen")
        # Null in rows of before they were recorded.
        if row[name] is not None
    }
    return ServedItem(
        row["tweet"],
        row["author"],
        row["position"],
        row["source"] or "",
        list(row["heads"] or ()),
        row["score"],
        row["propensity"],
        row["features"] or b"",
        {one["view"]: (one["schema_id"], one["seq"]) for one in row["rows"] or ()},
        **given,
    )


def _slates(
    reader: LakeReader, from_ms: int | None, to_ms: int | None, requests: pl.Series
) -> dict[bytes, Scored]:
    """By request, of those whose slate was recorded."""
    rows = reader.scan("scored", from_ms=from_ms, to_ms=to_ms).filter(
        pl.col("request_id").is_in(requests.implode())
    )
    made = map(_slate, rows.collect().partition_by("event_id"))
    return {slate.request_id: slate for slate in made if slate is not None}


def _slate(rows: pl.DataFrame) -> Scored | None:
    """The whole slate, best first; None for one of before multipliers were recorded."""
    rows = rows.sort("place")
    first = rows.row(0, named=True)
    if first["place_before"] is None:
        return None
    versions = [
        [(by_view.get(view, (0, 0))) for view in VIEWS]
        for by_view in (
            {one["view"]: (one["schema_id"], one["seq"]) for one in kept} for kept in rows["rows"].to_list()
        )
    ]
    return Scored(
        viewer=first["viewer"],
        request_id=bytes.fromhex(first["request_id"]),
        now_ms=first["now_ms"],
        slate=first["slate"],
        model=first["model"],
        objective=first["objective"],
        schema_hash=first["schema_hash"],
        sources=rows["source"].to_list(),
        views=list(VIEWS),
        tweets=rows["tweet"].to_numpy().astype("<i8").tobytes(),
        authors=rows["author"].to_numpy().astype("<i8").tobytes(),
        heads=np.array(rows["heads"].to_list(), "<f4").tobytes(),
        scores=rows["score"].to_numpy().astype("<f8").tobytes(),
        features=b"".join(rows["features"].to_list()),
        rows=np.array(versions, "<u4").tobytes(),
        policy=first["policy"],
        multipliers=rows.select("freshness", "source_factor", "diversity").to_numpy().astype("<f8").tobytes(),
        places=rows.select("place_before", "author_rank").to_numpy().astype("<i4").tobytes(),
        seen=rows["seen"].fill_null(1.0).to_numpy().astype("<f8").tobytes(),
    )
