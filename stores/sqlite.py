"""The embedded stores: every port on one SQLite file, where the outbox is the log itself."""

from __future__ import annotations

import heapq
import json
import sqlite3
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from core.clock import Clock
from core.errors import Conflict
from core.ids import MAX_ID, TweetId, UserId
from core.types import Tweet, User
from stores import sqlite_schema
from stores.partitioner import partition_of
from stores.ports import Followees, IdempotentAnswer, Ids, OutboxRecord
from stores.sqlite_database import SqliteDatabase


def open_facts(path: Path) -> SqliteDatabase:
    """The file that holds the truth: commits survive the loss of power."""
    return SqliteDatabase.open(path, sqlite_schema.FACTS, "FULL")


def open_telemetry(path: Path) -> SqliteDatabase:
    """The file of batched telemetry: the last moment may be lost with the power, not with the process."""
    return SqliteDatabase.open(path, sqlite_schema.TELEMETRY, "NORMAL")


def append_to_log(
    connection: sqlite3.Connection, records: Sequence[OutboxRecord], partitions: int, now_ms: int
) -> None:
    """Appends records inside the caller's transaction."""
    connection.executemany(
        "INSERT INTO log (topic, part, key, published_ms, value) VALUES (?, ?, ?, ?, ?)",
        [(r.topic, partition_of(r.key, partitions), r.key, now_ms, r.value) for r in records],
    )


class SqliteStore:
    """What the embedded adapters share: the file, the clock, and the way into the log."""

    def __init__(self, database: SqliteDatabase, clock: Clock, partitions: int) -> None:
        self._database = database
        self._clock = clock
        self._partitions = partitions

    def _append(self, connection: sqlite3.Connection, records: Sequence[OutboxRecord]) -> None:
        append_to_log(connection, records, self._partitions, self._clock.now_ms())


class SqliteUserStore(SqliteStore):
    async def create(self, user: User, outbox: Sequence[OutboxRecord]) -> None:
        def operation(connection: sqlite3.Connection) -> None:
            taken = connection.execute(
                "SELECT id = ? FROM users WHERE id = ? OR handle_key = ? ORDER BY id = ? DESC",
                (user.user_id, user.user_id, user.handle.casefold(), user.user_id),
            ).fetchone()
            if taken is not None:
                field = "user_id" if taken[0] else "handle"
                raise Conflict(f"this {field} has a profile already", field=field)
            connection.execute(
                "INSERT INTO users VALUES (?, ?, ?, ?, ?)",
                (user.user_id, user.handle, user.handle.casefold(), user.display_name, user.created_ms),
            )
            self._append(connection, outbox)

        await self._database.write(operation)

    async def get_many(self, user_ids: Sequence[int]) -> Mapping[int, User]:
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT id, handle, display_name, created_ms FROM users "
                "WHERE id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(user_ids)),),
            ).fetchall()
        )
        return {row[0]: User(*row) for row in rows}


class SqliteGraphStore(SqliteStore):
    async def set_follow(
        self, follower: UserId, followee: UserId, *, on: bool, ver: int, outbox: Sequence[OutboxRecord]
    ) -> bool:
        def operation(connection: sqlite3.Connection) -> bool:
            changed = _set_edge(connection, "follows", "follower", "followee", (follower, followee), on, ver)
            if changed:
                self._append(connection, outbox)
            return changed

        return await self._database.write(operation)

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
        return _ids(rows)


class SqliteTweetStore(SqliteStore):
    async def create(
        self, tweet: Tweet, idempotency: IdempotentAnswer | None, outbox: Sequence[OutboxRecord]
    ) -> IdempotentAnswer | None:
        def operation(connection: sqlite3.Connection) -> IdempotentAnswer | None:
            if idempotency is not None:
                first = _idempotent_answer(connection, tweet.author_id, idempotency.key, self._clock.now_ms())
                if first is not None:
                    return first
                # A few of the expired ones go with each new one, so that the table does not grow for ever.
                connection.execute(
                    "DELETE FROM idempotency WHERE (user, key) IN "
                    "(SELECT user, key FROM idempotency WHERE expires_ms <= ? ORDER BY expires_ms LIMIT 8)",
                    (self._clock.now_ms(),),
                )
                connection.execute(
                    "INSERT OR REPLACE INTO idempotency VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        tweet.author_id,
                        idempotency.key,
                        idempotency.route,
                        idempotency.body_hash,
                        idempotency.answer,
                        idempotency.expires_ms,
                    ),
                )
            inserted = connection.execute(
                "INSERT INTO tweets VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
                (
                    tweet.tweet_id,
                    tweet.author_id,
                    tweet.text,
                    tweet.created_ms,
                    tweet.reply_to,
                    tweet.retweet_of,
                ),
            )
            if inserted.rowcount:
                self._append(connection, outbox)
            return None

        return await self._database.write(operation)

    async def idempotent_answer(self, user: UserId, key: str, now_ms: int) -> IdempotentAnswer | None:
        return await self._database.read(lambda connection: _idempotent_answer(connection, user, key, now_ms))

    async def get_many(self, tweet_ids: Sequence[int]) -> Mapping[int, Tweet]:
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT id, author, text, created_ms, reply_to, retweet_of FROM tweets "
                "WHERE id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(tweet_ids)),),
            ).fetchall()
        )
        return {row[0]: Tweet(*row) for row in rows}

    async def newest_ids(self, authors: Ids, *, before: int | None, limit: int) -> Ids:
        highest = MAX_ID if before is None else before - 1

        def operation(connection: sqlite3.Connection) -> Ids:
            # One index walk an author, merged lazily: no more rows are read than are asked for, and one
            # an author (1,000 followees with long histories: 15 ms; all of their newest 800: 1 s).
            walks = [
                connection.execute(
                    "SELECT id FROM tweets WHERE author = ? AND id <= ? ORDER BY id DESC", (author, highest)
                )
                for author in authors.tolist()
            ]
            return _ids(list(islice(heapq.merge(*walks, reverse=True), limit)))

        return await self._database.read(operation)


class SqliteEngagementStore(SqliteStore):
    async def set_like(
        self, user: UserId, tweet: TweetId, *, on: bool, ver: int, outbox: Sequence[OutboxRecord]
    ) -> bool:
        def operation(connection: sqlite3.Connection) -> bool:
            changed = _set_edge(connection, "likes", "tweet", "user", (tweet, user), on, ver)
            if changed:
                self._append(connection, outbox)
            return changed

        return await self._database.write(operation)


def _set_edge(
    connection: sqlite3.Connection,
    table: str,
    a: str,
    b: str,
    edge: tuple[int, int],
    on: bool,
    ver: int,
) -> bool:
    """Sets an edge where `ver` is the highest so far; True where its state changed.

    An older or equal version is a no-op, and so is the removal of an edge that never was,
    except that a removal is remembered: it may have overtaken the setting.
    """
    row = connection.execute(f"SELECT is_on, ver FROM {table} WHERE {a} = ? AND {b} = ?", edge).fetchone()
    if row is not None and row[1] >= ver:
        return False
    connection.execute(
        f"INSERT OR REPLACE INTO {table} ({a}, {b}, is_on, ver) VALUES (?, ?, ?, ?)", (*edge, on, ver)
    )
    return bool(row[0]) != on if row is not None else on


def _idempotent_answer(
    connection: sqlite3.Connection, user: int, key: str, now_ms: int
) -> IdempotentAnswer | None:
    row = connection.execute(
        "SELECT key, route, body_hash, answer, expires_ms FROM idempotency "
        "WHERE user = ? AND key = ? AND expires_ms > ?",
        (user, key, now_ms),
    ).fetchone()
    return None if row is None else IdempotentAnswer(*row)


def _ids(rows: Sequence[tuple[int]]) -> Ids:
    return np.fromiter((row[0] for row in rows), np.int64, len(rows))
