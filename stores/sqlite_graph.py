"""Follows, blocks and mutes in the embedded file."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import numpy as np

from core.errors import Forbidden
from core.ids import UserId
from stores.ports import (
    FollowCounts,
    Followees,
    FollowEnded,
    Hidden,
    IdempotentAnswer,
    Ids,
    OutboxRecord,
    Written,
)
from stores.sqlite import SqliteStore, ids_of

_FOLLOWS = ("follower", "followee")
_USERS = ("user", "other")


class SqliteGraphStore(SqliteStore):
    async def set_follow(
        self,
        follower: UserId,
        followee: UserId,
        *,
        on: bool,
        ver: int,
        outbox: Sequence[OutboxRecord],
        idempotency: IdempotentAnswer | None = None,
    ) -> Written:
        def operation(connection: sqlite3.Connection) -> Written:
            if on and _is_blocked(connection, follower, followee):
                raise Forbidden("one of the two blocks the other", field="user_id")
            return self._set_edge(connection, "follows", _FOLLOWS, (follower, followee), on, ver, outbox)

        return await self._write_once(follower, idempotency, operation)

    async def set_block(
        self,
        user: UserId,
        other: UserId,
        *,
        on: bool,
        ver: int,
        outbox: Sequence[OutboxRecord],
        ended: FollowEnded,
        idempotency: IdempotentAnswer | None = None,
    ) -> Written:
        def operation(connection: sqlite3.Connection) -> Written:
            written = self._set_edge(connection, "blocks", _USERS, (user, other), on, ver, outbox)
            if written.changed and on:
                self._end_follow(connection, user, other, ver, ended)
                self._end_follow(connection, other, user, ver, ended)
            return written

        return await self._write_once(user, idempotency, operation)

    async def set_mute(
        self,
        user: UserId,
        other: UserId,
        *,
        on: bool,
        ver: int,
        outbox: Sequence[OutboxRecord],
        idempotency: IdempotentAnswer | None = None,
    ) -> Written:
        def operation(connection: sqlite3.Connection) -> Written:
            return self._set_edge(connection, "mutes", _USERS, (user, other), on, ver, outbox)

        return await self._write_once(user, idempotency, operation)

    async def followees(self, user: UserId) -> Followees:
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT followee, is_on, ver FROM follows WHERE follower = ? ORDER BY followee", (user,)
            ).fetchall()
        )
        return Followees(
            np.fromiter((row[0] for row in rows if row[1]), np.int64),
            max((row[2] for row in rows), default=0),
        )

    async def follower_page(self, user: UserId, *, after: int, limit: int) -> Ids:
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT follower FROM follows WHERE followee = ? AND is_on = 1 AND follower > ? "
                "ORDER BY follower LIMIT ?",
                (user, after, limit),
            ).fetchall()
        )
        return ids_of(rows)

    async def follow_counts(self, user: UserId, *, followers_up_to: int) -> FollowCounts:
        row = await self._database.read(
            lambda connection: connection.execute(
                "SELECT (SELECT count(*) FROM follows WHERE follower = ? AND is_on = 1), "
                "(SELECT count(*) FROM (SELECT 1 FROM follows WHERE followee = ? AND is_on = 1 LIMIT ?))",
                (user, user, followers_up_to),
            ).fetchone()
        )
        return FollowCounts(*row)

    async def hidden(self, viewer: UserId) -> Hidden:
        def operation(connection: sqlite3.Connection) -> list[list[tuple[int, int, int]]]:
            return [
                connection.execute(statement, (viewer,)).fetchall()
                for statement in (
                    "SELECT other, is_on, ver FROM blocks WHERE user = ?",
                    "SELECT user, is_on, ver FROM blocks WHERE other = ?",
                    "SELECT other, is_on, ver FROM mutes WHERE user = ?",
                )
            ]

        blocked, blocked_by, muted = await self._database.read(operation)
        return Hidden(
            np.array(sorted({id_ for id_, on, _ in (*blocked, *blocked_by) if on}), np.int64),
            np.array(sorted(id_ for id_, on, _ in muted if on), np.int64),
            max((ver for _, _, ver in (*blocked, *blocked_by, *muted)), default=0),
        )

    async def is_blocked(self, a: UserId, b: UserId) -> bool:
        return await self._database.look_up(lambda connection: _is_blocked(connection, a, b))

    def _end_follow(
        self, connection: sqlite3.Connection, follower: UserId, followee: UserId, ver: int, ended: FollowEnded
    ) -> None:
        row = connection.execute(
            "SELECT ver FROM follows WHERE follower = ? AND followee = ? AND is_on = 1", (follower, followee)
        ).fetchone()
        if row is None:
            return
        # The follow may carry a higher version than the block that came after it: ids are minted
        # before the file is written.
        end = max(ver, row[0] + 1)
        told = [ended(follower, followee, end)]
        self._set_edge(connection, "follows", _FOLLOWS, (follower, followee), False, end, told)


def _is_blocked(connection: sqlite3.Connection, a: int, b: int) -> bool:
    row = connection.execute(
        "SELECT 1 FROM blocks WHERE is_on = 1 AND ((user = ? AND other = ?) OR (user = ? AND other = ?))",
        (a, b, b, a),
    ).fetchone()
    return row is not None
