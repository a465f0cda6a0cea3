"""Packed feature rows in the features stream's file, the newest of each entity.

A row is kept for its view's ttl after it was last written, on the wall clock: never shorter than in event
time, so none goes that compute would still use.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from core.errors import Corrupt
from features.accumulate import Entity, PackedRow
from features.packed_row import decode_row, encode_row
from features.packed_store import ExpiringRow
from features.schema import VIEWS, ViewName

# `other` is the author of a pair, 0 for every other view; ids are never 0 there.
STATEMENT = """CREATE TABLE rows (
    view TEXT NOT NULL, entity INTEGER NOT NULL, other INTEGER NOT NULL,
    packed BLOB NOT NULL, written_ms INTEGER NOT NULL,
    PRIMARY KEY (view, entity, other)) WITHOUT ROWID"""

RowKey = tuple[ViewName, Entity]
After = tuple[str, int, int]
FIRST: After = ("", 0, 0)
"""Comes before every row."""


def put(connection: sqlite3.Connection, rows: Iterable[PackedRow], now_ms: int) -> None:
    """In the place of those of before, within the caller's transaction."""
    connection.executemany(
        "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?)",
        ((view, *_columns(whose), packed, now_ms) for view, whose, packed in rows),
    )


def find(connection: sqlite3.Connection, wanted: Sequence[RowKey]) -> list[PackedRow]:
    """Those of the rows that there are."""
    marks = ", ".join(["(?, ?, ?)"] * len(wanted))
    # The keys come first, so that each is one step into the table.
    found = connection.execute(
        f"WITH wanted (view, entity, other) AS (VALUES {marks}) "
        "SELECT view, entity, other, packed FROM wanted CROSS JOIN rows USING (view, entity, other)",
        [column for view, entity in wanted for column in (view, *_columns(entity))],
    ).fetchall()
    return [PackedRow(view, _entity(entity, other), packed) for view, entity, other, packed in found]


def every(connection: sqlite3.Connection) -> Iterator[PackedRow]:
    """All rows, view by view, as today's schemas would write them."""
    for name, view in VIEWS.items():
        found = connection.execute("SELECT entity, other, packed FROM rows WHERE view = ?", (name,))
        for entity, other, packed in found:
            # Chunks are of one schema: what was written under an older one is written under today's.
            try:
                row = decode_row(packed, view)
            except Corrupt:
                # It starts anew with its next event.
                continue
            today = encode_row(view.schema_id, row.event_ts_s, row.seq, row.values)
            yield PackedRow(name, _entity(entity, other), today)


def purge(connection: sqlite3.Connection, now_ms: int) -> None:
    """Forgets the rows that nobody has written for as long as their view keeps them."""
    for view in VIEWS.values():
        connection.execute(
            "DELETE FROM rows WHERE view = ? AND written_ms <= ?", (view.name, now_ms - view.ttl_s * 1000)
        )


def tweets(connection: sqlite3.Connection, after: int, limit: int) -> list[tuple[int, bytes]]:
    """At most `limit` tweets of ids above `after` and their packed rows of `t`, in the order of ids."""
    return connection.execute(
        "SELECT entity, packed FROM rows WHERE view = 't' AND entity > ? ORDER BY entity LIMIT ?",
        (after, limit),
    ).fetchall()


def page(
    connection: sqlite3.Connection, after: After, limit: int, now_ms: int
) -> tuple[list[ExpiringRow], After | None]:
    """At most `limit` rows behind `after` that have not expired, and the key of the last one looked at.

    None in its place after the last page. In the order of their keys, with what is left of their ttl.
    """
    found = connection.execute(
        "SELECT view, entity, other, packed, written_ms FROM rows "
        "WHERE (view, entity, other) > (?, ?, ?) ORDER BY view, entity, other LIMIT ?",
        (*after, limit),
    ).fetchall()
    rows = []
    for name, entity, other, packed, written_ms in found:
        view = VIEWS.get(name)
        if view is None:
            continue
        left_s = view.ttl_s - (now_ms - written_ms) // 1000
        if left_s > 0:
            rows.append(ExpiringRow.of(PackedRow(name, _entity(entity, other), packed), left_s))
    return rows, found[-1][:3] if len(found) == limit else None


def _entity(entity: int, other: int) -> Entity:
    return (entity, other) if other else entity


def _columns(whose: Entity) -> tuple[int, int]:
    """As the file has it: the second id is 0 where there is one."""
    return whose if isinstance(whose, tuple) else (whose, 0)
