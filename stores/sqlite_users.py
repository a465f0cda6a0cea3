"""Profiles in the embedded file, and the last day of everybody who was here."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence

from core.errors import Conflict, NotFound
from core.ids import UserId
from core.types import User
from stores.ports import IdempotentAnswer, Ids, OutboxRecord, Written
from stores.sqlite import SqliteStore, ids_of


class SqliteUserStore(SqliteStore):
    async def create(
        self, user: User, outbox: Sequence[OutboxRecord], *, idempotency: IdempotentAnswer | None = None
    ) -> Written:
        def operation(connection: sqlite3.Connection) -> Written:
            taken = connection.execute(
                "SELECT id = ? FROM users WHERE id = ? OR handle_key = ? ORDER BY id = ? DESC",
                (user.user_id, user.user_id, user.handle.casefold(), user.user_id),
            ).fetchone()
            if taken is not None:
                field = "user_id" if taken[0] else "handle"
                raise Conflict(f"this {field} has a profile already", field=field)
            connection.execute(
                "INSERT INTO users (id, handle, handle_key, display_name, created_ms) VALUES (?, ?, ?, ?, ?)",
                (user.user_id, user.handle, user.handle.casefold(), user.display_name, user.created_ms),
            )
            self._append(connection, outbox)
            return Written(True)

        return await self._write_once(user.user_id, idempotency, operation)

    async def change(
        self,
        user: UserId,
        *,
        display_name: str,
        ver: int,
        outbox: Sequence[OutboxRecord],
        idempotency: IdempotentAnswer | None = None,
    ) -> Written:
        def operation(connection: sqlite3.Connection) -> Written:
            row = connection.execute("SELECT display_name, ver FROM users WHERE id = ?", (user,)).fetchone()
            if row is None:
                raise NotFound("there is no user of this id", field="user_id")
            name, newest = row
            if newest >= ver:
                return Written(False, behind=None if name == display_name else newest)
            connection.execute(
                "UPDATE users SET display_name = ?, ver = ? WHERE id = ?", (display_name, ver, user)
            )
            self._append(connection, outbox)
            return Written(True)

        return await self._write_once(user, idempotency, operation)

    async def get_many(self, user_ids: Sequence[int]) -> Mapping[int, User]:
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT id, handle, display_name, created_ms FROM users "
                "WHERE id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(user_ids)),),
            ).fetchall()
        )
        return {row[0]: User(*row) for row in rows}

    async def with_handle(self, handle: str) -> User | None:
        row = await self._database.read(
            lambda connection: connection.execute(
                "SELECT id, handle, display_name, created_ms FROM users WHERE handle_key = ?",
                (handle.casefold(),),
            ).fetchone()
        )
        return None if row is None else User(*row)

    async def seen(self, users: Sequence[UserId], day: int) -> None:
        def operation(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "INSERT INTO last_seen (user, day) VALUES (?, ?) "
                "ON CONFLICT (user) DO UPDATE SET day = excluded.day WHERE excluded.day > day",
                [(user, day) for user in users],
            )

        await self._database.write(operation)

    async def active(self, day: int, *, after: int, limit: int) -> Ids:
        return await self._database.read(
            lambda connection: ids_of(
                connection.execute(
                    "SELECT user FROM last_seen WHERE day = ? AND user > ? ORDER BY user LIMIT ?",
                    (day, after, limit),
                ).fetchall()
            )
        )

    async def everybody(self, *, after: int, limit: int) -> Ids:
        return await self._database.read(
            lambda connection: ids_of(
                connection.execute(
                    "SELECT id FROM users WHERE id > ? ORDER BY id LIMIT ?", (after, limit)
                ).fetchall()
            )
        )
