"""What viewers have looked at, in the features stream's file: a table beside its rows (`features.seen_list`).

It is changed by the commit that changes the rows, so a list has each event exactly once, as they do.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from features.packed_store import ExpiringRow
from features.seen_list import TTL_S, SeenList, seen_key

STATEMENT = """CREATE TABLE seen (
    viewer INTEGER PRIMARY KEY, packed BLOB NOT NULL, written_ms INTEGER NOT NULL)"""


def put(connection: sqlite3.Connection, lists: Iterable[SeenList], now_ms: int) -> None:
    """In the place of those of before, within the caller's transaction."""
    connection.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", [(*one, now_ms) for one in lists])


def find(connection: sqlite3.Connection, viewers: Sequence[int]) -> list[SeenList]:
    """The lists that there are."""
    marks = ", ".join("?" * len(viewers))
    rows = connection.execute(f"SELECT viewer, packed FROM seen WHERE viewer IN ({marks})", viewers)
    return [SeenList(*row) for row in rows]


def purge(connection: sqlite3.Connection, now_ms: int) -> None:
    """Forgets the lists of whoever has not looked at anything for as long as a list is kept."""
    connection.execute("DELETE FROM seen WHERE written_ms <= ?", (now_ms - TTL_S * 1_000,))


def page(
    connection: sqlite3.Connection, after: int, limit: int, now_ms: int
) -> tuple[list[ExpiringRow], int | None]:
    """At most `limit` lists of viewers above `after`, in their order, and the last of these viewers.

    None in its place after the last page.
    """
    found = connection.execute(
        "SELECT viewer, packed, written_ms FROM seen WHERE viewer > ? ORDER BY viewer LIMIT ?", (after, limit)
    ).fetchall()
    entries = [
        ExpiringRow(seen_key(viewer), packed, left_s)
        for viewer, packed, written_ms in found
        if (left_s := TTL_S - (now_ms - written_ms) // 1_000) > 0
    ]
    return entries, found[-1][0] if len(found) == limit else None
