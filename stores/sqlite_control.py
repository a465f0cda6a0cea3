"""The embedded control store: documents by compare-and-set, leased machine numbers, mapped ids."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

import numpy as np

from core.errors import Unavailable
from core.ids import IMPORTER_DATACENTER, IMPORTER_MACHINE
from stores.ports import Ids, MachineLease, Versioned
from stores.sqlite import SqliteStore


class SqliteControlStore(SqliteStore):
    async def get(self, key: str) -> Versioned | None:
        row = await self._database.read(
            lambda connection: connection.execute(
                "SELECT value, version FROM control WHERE key = ?", (key,)
            ).fetchone()
        )
        return None if row is None else Versioned(*row)

    async def compare_and_set(self, key: str, value: bytes, *, expected: int) -> bool:
        def operation(connection: sqlite3.Connection) -> bool:
            if expected == 0:
                cursor = connection.execute(
                    "INSERT INTO control VALUES (?, ?, 1) ON CONFLICT DO NOTHING", (key, value)
                )
            else:
                cursor = connection.execute(
                    "UPDATE control SET value = ?, version = version + 1 WHERE key = ? AND version = ?",
                    (value, key, expected),
                )
            return cursor.rowcount == 1

        return await self._database.write(operation)

    async def lease_machine(self, owner: str, *, now_ms: int, ttl_ms: int) -> MachineLease:
        def operation(connection: sqlite3.Connection) -> MachineLease:
            # Asking again, after an answer that did not arrive, must not leave the owner with two
            # numbers; the first stays taken until its time is over.
            connection.execute("UPDATE leases SET owner = '' WHERE owner = ?", (owner,))
            rows = connection.execute(
                "SELECT datacenter, machine, expires_ms, last_ms FROM leases"
            ).fetchall()
            known = {(row[0], row[1]): row for row in rows}
            for number in range(IMPORTER_DATACENTER * 32 + IMPORTER_MACHINE):
                node = divmod(number, 32)
                row = known.get(node)
                # Both bounds: a clock that was stepped back must not mint a former holder's ids.
                if row is None or (row[2] < now_ms and row[3] < now_ms):
                    last_ms = 0 if row is None else max(row[2], row[3])
                    connection.execute(
                        "INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?)",
                        (*node, owner, now_ms + ttl_ms, last_ms),
                    )
                    return MachineLease(*node, last_ms)
            raise Unavailable("every machine number is leased; stop a process or wait for a lease to end")

        return await self._database.write(operation)

    async def renew_machine(self, owner: str, *, now_ms: int, ttl_ms: int, last_ms: int) -> bool:
        def operation(connection: sqlite3.Connection) -> bool:
            cursor = connection.execute(
                # Never shortened: the wall clock may have stepped back, the time promised has not.
                "UPDATE leases SET expires_ms = max(expires_ms, ?), last_ms = max(last_ms, ?) "
                "WHERE owner = ?",
                (now_ms + ttl_ms, last_ms, owner),
            )
            return cursor.rowcount == 1

        return await self._database.write(operation)

    async def release_machine(self, owner: str, *, last_ms: int) -> None:
        await self._database.write_rows(
            "UPDATE leases SET expires_ms = 0, last_ms = max(last_ms, ?), owner = '' WHERE owner = ?",
            [(last_ms, owner)],
        )

    async def map_external_ids(
        self, namespace: str, external_ids: Sequence[str], mint: Callable[[int], int]
    ) -> Ids:
        def operation(connection: sqlite3.Connection) -> Ids:
            # One by one: json_each would cut a string at a NUL.
            known: dict[str, int] = {}
            fresh = {}
            for position, external in enumerate(external_ids):
                if external in known:
                    continue
                row = connection.execute(
                    "SELECT id FROM external_ids WHERE namespace = ? AND external = ?", (namespace, external)
                ).fetchone()
                if row is None:
                    fresh[external] = mint(position)
                known[external] = fresh[external] if row is None else row[0]
            connection.executemany(
                "INSERT INTO external_ids VALUES (?, ?, ?)",
                [(namespace, external, value) for external, value in fresh.items()],
            )
            return np.fromiter((known[external] for external in external_ids), np.int64)

        return await self._database.write(operation)
