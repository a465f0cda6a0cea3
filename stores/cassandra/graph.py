"""Who follows whom: one partition of followees a user, sixteen of followers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np

from core.ids import UserId
from stores.cassandra.edges import BUCKETS, FOLLOWS, read_edge, write_edge
from stores.cassandra.entry import FollowWritten
from stores.cassandra.session import CassandraSession, Row, Statement
from stores.cassandra.write_path import WritePath
from stores.ports import Followees, Ids, OutboxRecord

_SLACK = 16
"""Rows read from each partition beyond an even share, for they are never quite even."""

_FOLLOWEES = Statement("SELECT followee, on_ver, off_ver FROM ks.following WHERE follower = ?")
_FOLLOWERS = Statement(
    "SELECT follower, on_ver, off_ver FROM ks.followers "
    "WHERE followee = ? AND b16 = ? AND follower > ? LIMIT ?"
)


class CassandraGraphStore:
    def __init__(self, session: CassandraSession, path: WritePath) -> None:
        self._session = session
        self._path = path

    async def set_follow(
        self, follower: UserId, followee: UserId, *, on: bool, ver: int, outbox: Sequence[OutboxRecord]
    ) -> bool:
        before = await read_edge(self._session, FOLLOWS, follower, followee)
        if max(before) == ver:
            # A repeat: its first try may have been cut short between the two directions.
            await write_edge(self._session, FOLLOWS, follower, followee, on=before.is_on, ver=ver)
        if max(before) >= ver:
            return False
        fact = FollowWritten(follower, followee, on, ver, before)
        effect = await self._path.write(self._path.entry(fact, outbox))
        return effect.changed

    async def followees(self, user: UserId) -> Followees:
        rows = await self._session.rows(_FOLLOWEES, user)
        ver = max((max(on or 0, off or 0) for _, on, off in rows), default=0)
        return Followees(np.fromiter(_on(rows), np.int64), ver)

    async def follower_page(self, user: UserId, *, after: int, limit: int) -> Ids:
        page: list[int] = []
        bound: int | None = after
        while bound is not None and len(page) < limit:
            found, bound = await self._followers(user, bound, limit - len(page))
            page += found
        return np.array(page[:limit], np.int64)

    async def _followers(self, user: int, after: int, limit: int) -> tuple[list[int], int | None]:
        """Some of the next followers, ascending, and the id to go on from; None at the end."""
        share = min(limit, limit // BUCKETS + _SLACK)
        partitions = await asyncio.gather(
            *(self._session.rows(_FOLLOWERS, user, bucket, after, share) for bucket in range(BUCKETS))
        )
        # Up to where every partition that goes on has been read: beyond it, ids may be missing.
        bound = min((rows[-1][0] for rows in partitions if len(rows) == share), default=None)
        found = sorted(follower for rows in partitions for follower in _on(rows))
        return [id_ for id_ in found if bound is None or id_ <= bound], bound


def _on(rows: Sequence[Row]) -> list[int]:
    return [id_ for id_, on, off in rows if (on or 0) > (off or 0)]
