"""Likes in the embedded file, and counts: an index tells them at any time, so nothing is kept counted."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence

from core.ids import TweetId, UserId
from stores.ports import Bucket, Counts, IdempotentAnswer, OutboxRecord, Written
from stores.sqlite import SqliteStore


class SqliteEngagementStore(SqliteStore):
    async def set_like(
        self,
        user: UserId,
        tweet: TweetId,
        *,
        on: bool,
        ver: int,
        outbox: Sequence[OutboxRecord],
        idempotency: IdempotentAnswer | None = None,
    ) -> Written:
        def operation(connection: sqlite3.Connection) -> Written:
            return self._set_edge(connection, "likes", ("tweet", "user"), (tweet, user), on, ver, outbox)

        return await self._write_once(user, idempotency, operation)

    async def has_liked(self, user: UserId, tweet: TweetId) -> bool:
        row = await self._database.look_up(
            lambda connection: connection.execute(
                "SELECT 1 FROM likes WHERE tweet = ? AND user = ? AND is_on = 1", (tweet, user)
            ).fetchone()
        )
        return row is not None

    async def recount(self, buckets: Sequence[Bucket]) -> None:
        """There is nothing to do: the index is always up to date."""

    async def counts(self, tweet_ids: Sequence[int]) -> Mapping[int, Counts]:
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT value, (SELECT count(*) FROM likes WHERE tweet = value AND is_on = 1), "
                "(SELECT count(*) FROM tweets WHERE retweet_of = value AND deleted_ver IS NULL), "
                "(SELECT count(*) FROM tweets WHERE reply_to = value AND deleted_ver IS NULL) "
                "FROM json_each(?)",
                (json.dumps(list(tweet_ids)),),
            ).fetchall()
        )
        return {id_: Counts(*counts) for id_, *counts in rows}
