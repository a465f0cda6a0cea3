"""Likes: the rows are the truth that counts are made from; there are no counters."""

from __future__ import annotations

from collections.abc import Sequence

from core.ids import TweetId, UserId
from stores.cassandra.edges import LIKES, read_edge, write_edge
from stores.cassandra.entry import LikeWritten
from stores.cassandra.session import CassandraSession
from stores.cassandra.write_path import WritePath
from stores.ports import OutboxRecord


class CassandraEngagementStore:
    def __init__(self, session: CassandraSession, path: WritePath) -> None:
        self._session = session
        self._path = path

    async def set_like(
        self, user: UserId, tweet: TweetId, *, on: bool, ver: int, outbox: Sequence[OutboxRecord]
    ) -> bool:
        before = await read_edge(self._session, LIKES, user, tweet)
        if max(before) == ver:
            # A repeat: its first try may have been cut short between the two directions.
            await write_edge(self._session, LIKES, user, tweet, on=before.is_on, ver=ver)
        if max(before) >= ver:
            return False
        fact = LikeWritten(user, tweet, on, ver, before)
        effect = await self._path.write(self._path.entry(fact, outbox))
        return effect.changed
