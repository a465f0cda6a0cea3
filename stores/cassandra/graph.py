"""Follows, blocks and mutes: one partition a user and direction, sixteen of followers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np

from core.errors import Forbidden
from core.ids import UserId
from stores.cassandra.bucket_pages import page_over
from stores.cassandra.edges import (
    BLOCKS,
    FOLLOWS,
    MUTES,
    EdgeKind,
    are_blocked,
    end_follow,
    read_edge,
    write_edge,
)
from stores.cassandra.fact import BlockWritten, EdgeVersions, FollowEnd, FollowWritten, MuteWritten
from stores.cassandra.session import CassandraSession, Row, Statement
from stores.cassandra.write_path import WritePath
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

_FOLLOWEES = Statement("SELECT followee, on_ver, off_ver FROM ks.following WHERE follower = ?")
_FOLLOWERS = Statement(
    "SELECT follower, on_ver, off_ver FROM ks.followers "
    "WHERE followee = ? AND b16 = ? AND follower > ? LIMIT ?"
)
_HIDDEN = tuple(
    Statement(f"SELECT other, on_ver, off_ver FROM ks.{table} WHERE user = ?")
    for table in ("blocks", "blocked_by", "mutes")
)


class CassandraGraphStore:
    def __init__(self, session: CassandraSession, path: WritePath) -> None:
        self._session = session
        self._path = path

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
        before = await self._before(FOLLOWS, follower, followee, ver)
        if on and await are_blocked(self._session, follower, followee):
            if before.newest == ver:
                await end_follow(self._session, follower, followee)
            raise Forbidden("one of the two blocks the other", field="user_id")
        edge = FollowWritten(follower, followee, on, ver, before)
        return await self._path.change_edge(edge, outbox, idempotency)

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
        before = await self._before(BLOCKS, user, other, ver)
        if before.is_on and before.on == ver:
            # The same, for the follows. Its first try's row is still there: the relay tells of them.
            await asyncio.gather(
                end_follow(self._session, user, other), end_follow(self._session, other, user)
            )
        ends = await self._ends(user, other, ver) if on else ()
        records = [*outbox, *(ended(UserId(a), UserId(b), end) for a, b, end in ends)]
        edge = BlockWritten(user, other, on, ver, before, ends)
        return await self._path.change_edge(edge, records, idempotency)

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
        before = await self._before(MUTES, user, other, ver)
        return await self._path.change_edge(MuteWritten(user, other, on, ver, before), outbox, idempotency)

    async def followees(self, user: UserId) -> Followees:
        rows = await self._session.rows(_FOLLOWEES, user)
        return Followees(np.fromiter(_on(rows), np.int64), _newest(rows))

    async def follower_page(self, user: UserId, *, after: int, limit: int) -> Ids:
        return await page_over(
            lambda bucket, above, most: self._session.rows(_FOLLOWERS, user, bucket, above, most),
            _on,
            after=after,
            limit=limit,
        )

    async def follow_counts(self, user: UserId, *, followers_up_to: int) -> FollowCounts:
        followees, followers = await asyncio.gather(
            self.followees(user), self.follower_page(user, after=0, limit=followers_up_to)
        )
        return FollowCounts(followees.ids.size, followers.size)

    async def hidden(self, viewer: UserId) -> Hidden:
        blocked, blocked_by, muted = await asyncio.gather(
            *(self._session.rows(statement, viewer) for statement in _HIDDEN)
        )
        return Hidden(
            np.array(sorted({*_on(blocked), *_on(blocked_by)}), np.int64),
            np.fromiter(_on(muted), np.int64),
            _newest([*blocked, *blocked_by, *muted]),
        )

    async def is_blocked(self, a: UserId, b: UserId) -> bool:
        return await are_blocked(self._session, a, b)

    async def _before(self, kind: EdgeKind, a: int, b: int, ver: int) -> EdgeVersions:
        """The edge as it is before the write `ver`; a repeat makes whole what its first try left."""
        before = await read_edge(self._session, kind, a, b)
        if before.newest == ver:
            # It may have been cut short between the two directions.
            await write_edge(self._session, kind, a, b, on=before.is_on, ver=ver)
        return before

    async def _ends(self, user: int, other: int, ver: int) -> tuple[FollowEnd, ...]:
        """The follows of the two, and the versions at which a block ends them."""
        pairs = ((user, other), (other, user))
        states = await asyncio.gather(*(read_edge(self._session, FOLLOWS, *pair) for pair in pairs))
        return tuple(
            # Their clocks may differ: a follow that stands now came before, whatever its version.
            FollowEnd(*pair, max(ver, state.on + 1))
            for pair, state in zip(pairs, states, strict=True)
            if state.is_on
        )


def _on(rows: Sequence[Row]) -> list[int]:
    return [id_ for id_, on, off in rows if (on or 0) > (off or 0)]


def _newest(rows: Sequence[Row]) -> int:
    return max((max(on or 0, off or 0) for _, on, off in rows), default=0)
