"""Whole matrices as rows of the lake's table `scored`, array by array: one has hundreds of candidates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from core.errors import Corrupt
from core.ids import MAX_TIME_MS
from eventlog.envelope import Envelope
from eventlog.schema import Scored
from stores.lake_tables import SCHEMAS, TERMS

_SCHEMA = SCHEMAS["scored"]


class Matrix(NamedTuple):
    envelope: Envelope
    scored: Scored


def matrix_of(envelope: Envelope, scored: Scored) -> Matrix:
    """Raises Corrupt for one whose arrays do not fit each other: it would fail every batch."""
    n, views = len(scored.sources), len(scored.views)
    fits = {
        "tweets": len(scored.tweets) == 8 * n,
        "authors": len(scored.authors) == 8 * n,
        "scores": len(scored.scores) == 8 * n,
        "rows": len(scored.rows) == 8 * n * views,
        "heads": _is_even(scored.heads, n),
        "features": _is_even(scored.features, n),
        "multipliers": len(scored.multipliers) in (0, 24 * n),
        "places": len(scored.places) == len(scored.multipliers) // 3,
        "seen": len(scored.seen) in (0, 8 * n),
    }
    for name, fit in fits.items():
        if not fit:
            raise Corrupt(f"{envelope.type}: {name} are not those of {n} candidates and {views} views")
    for name, at_ms in (("ts_ms", envelope.ts_ms), ("now_ms", scored.now_ms)):
        if not 0 <= at_ms <= MAX_TIME_MS:
            raise Corrupt(f"{envelope.type}: {name} is {at_ms}, not a time that an id can hold")
    for name, id_ in (("id", envelope.id), ("viewer", scored.viewer)):
        if not -(1 << 63) <= id_ < 1 << 63:
            raise Corrupt(f"{envelope.type}: {name} {id_} does not fit 64 bits")
    return Matrix(envelope, scored)


def frame_of(matrices: Sequence[Matrix]) -> pl.DataFrame:
    """One row a candidate, in the order of the matrices; what `matrix_of` let through."""
    return pl.concat([_SCHEMA.to_frame(), *(_frame(*one) for one in matrices)])


def _frame(envelope: Envelope, scored: Scored) -> pl.DataFrame:
    n = len(scored.sources)
    features = len(scored.features) // n if n else 0
    page = {
        "ts_ms": envelope.ts_ms,
        "event_id": envelope.id,
        "now_ms": scored.now_ms,
        "request_id": scored.request_id.hex(),
        "viewer": scored.viewer,
        "policy": scored.policy,
        "model": scored.model,
        "objective": scored.objective,
        "schema_hash": scored.schema_hash,
        "slate": scored.slate,
    }
    heads = np.frombuffer(scored.heads, "<f4").reshape(n, -1 if n else 0)
    frame = pl.DataFrame(
        {
            "tweet": np.frombuffer(scored.tweets, "<i8"),
            "author": np.frombuffer(scored.authors, "<i8"),
            "place": np.arange(n, dtype=np.int64),
            "source": scored.sources,
            "heads": pl.Series(heads.tolist(), dtype=pl.List(pl.Float32())),
            "score": np.frombuffer(scored.scores, "<f8"),
            "features": [scored.features[i * features : (i + 1) * features] for i in range(n)],
            "rows": _rows(scored, n),
            **_terms(scored, n),
        },
        schema_overrides={"source": pl.String(), "features": pl.Binary()},
    )
    literals = [pl.lit(value, _SCHEMA[name]).alias(name) for name, value in page.items()]
    return frame.with_columns(literals).select(_SCHEMA.names())


def _rows(scored: Scored, n: int) -> pl.Series:
    """Per candidate a list of (view, schema_id, seq)."""
    rows = np.frombuffer(scored.rows, "<u4").reshape(-1, 2).astype(np.int64)
    if not n or not scored.views:
        return pl.Series("rows", [[]] * n, _SCHEMA["rows"])
    flat = pl.DataFrame({"view": scored.views * n, "schema_id": rows[:, 0], "seq": rows[:, 1]})
    return flat.to_struct("rows").reshape((n, len(scored.views))).cast(_SCHEMA["rows"])


def _terms(scored: Scored, n: int) -> dict[str, pl.Series]:
    """What multiplied the scores and the places without diversity, null where nobody wrote them."""
    if not scored.multipliers:
        return {name: pl.Series(name, [None] * n, kind) for name, kind in TERMS.items()}
    multipliers = np.frombuffer(scored.multipliers, "<f8").reshape(n, 3)
    places = np.frombuffer(scored.places, "<i4").reshape(n, 2).astype(np.int64)
    seen = np.frombuffer(scored.seen, "<f8") if scored.seen else np.ones(n, np.float64)
    columns = [*multipliers.T, *places.T, seen]
    return {name: pl.Series(name, column) for name, column in zip(TERMS, columns, strict=True)}


def _is_even(raw: bytes, n: int) -> bool:
    """Whether it is n rows of as many float32 each."""
    return len(raw) == 0 if n == 0 else len(raw) % (4 * n) == 0
