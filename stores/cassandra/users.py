"""Profiles. A handle is claimed first, by a row that carries the whole profile; the profile itself
is the last step, so what stands in `users` has been committed.

Where a profile is made under an idempotency key, too, it is the key's row that decides: the claim comes
before it and is void where the key stands for another write.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import numpy as np

from core.errors import Conflict, NotFound
from core.ids import UserId
from core.types import User
from stores.buckets import bucket_of
from stores.cassandra.bucket_pages import page_over
from stores.cassandra.entry import Entry, decode_entry, encode_entry
from stores.cassandra.fact import UserChanged, UserWritten
from stores.cassandra.session import CassandraSession, Statement
from stores.cassandra.user_rows import UserRows
from stores.cassandra.write_path import WritePath
from stores.ports import IdempotentAnswer, Ids, OutboxRecord, Written

# What can be changed is read at a quorum: one copy may not know of the change yet.
_READ = Statement("SELECT id, handle, display_name, created_ms FROM ks.users WHERE id = ?")
_CLAIM = Statement(
    "INSERT INTO ks.handles (handle, id, entry) VALUES (?, ?, ?) IF NOT EXISTS", conditional=True
)
_TAKE_OVER = Statement(
    "UPDATE ks.handles SET id = ?, entry = ? WHERE handle = ? IF entry = ?", conditional=True
)
_GIVE_BACK = Statement("DELETE FROM ks.handles WHERE handle = ? IF entry = ?", conditional=True)
_CLAIMED = Statement("SELECT id FROM ks.handles WHERE handle = ?")
_SEEN = Statement("INSERT INTO ks.active_users (day, b16, user) VALUES (?, ?, ?)")
_FIRST = Statement("SELECT id FROM ks.users LIMIT ?")
_FOLLOWING = Statement("SELECT id FROM ks.users WHERE token(id) > token(?) LIMIT ?")
_ACTIVE = Statement("SELECT user FROM ks.active_users WHERE day = ? AND b16 = ? AND user > ? LIMIT ?")
_SEEN_AT_ONCE = 100
"""Rows of one mutation; the server warns of such beyond 5 KiB."""


class CassandraUserStore:
    def __init__(self, session: CassandraSession, path: WritePath) -> None:
        self._session = session
        self._path = path
        self._rows = UserRows(session)

    async def create(
        self, user: User, outbox: Sequence[OutboxRecord], *, idempotency: IdempotentAnswer | None = None
    ) -> Written:
        try:
            return await self._create(self._path.entry(UserWritten(user), outbox, idempotency), user)
        except Conflict:
            # Its first try, perhaps, or another call under the same key.
            first = None
            if idempotency is not None:
                first = await self._path.first(user.user_id, idempotency.key, self._path.now_ms())
            if first is None:
                raise
            return Written(False, first)

    async def change(
        self,
        user: UserId,
        *,
        display_name: str,
        ver: int,
        outbox: Sequence[OutboxRecord],
        idempotency: IdempotentAnswer | None = None,
    ) -> Written:
        standing = await self._rows.standing(user)
        if standing is None:
            raise NotFound("there is no user of this id", field="user_id")
        profile, newest = standing
        entry = self._path.entry(UserChanged(user, display_name, ver), outbox)
        is_same = profile.display_name == display_name
        return await self._path.change(entry, idempotency, ver, newest, is_same=is_same)

    async def get_many(self, user_ids: Sequence[int]) -> Mapping[int, User]:
        results = await asyncio.gather(
            *(self._session.rows(_READ, user_id) for user_id in dict.fromkeys(user_ids))
        )
        return {rows[0][0]: User(*rows[0]) for rows in results if rows}

    async def with_handle(self, handle: str) -> User | None:
        # An empty key is none to Cassandra.
        claims = await self._session.rows(_CLAIMED, handle.casefold()) if handle else []
        profile = (await self.get_many([claims[0][0]])).get(claims[0][0]) if claims else None
        # A claim may be that of a profile which never came to be.
        return profile if profile is not None and profile.handle.casefold() == handle.casefold() else None

    async def seen(self, users: Sequence[UserId], day: int) -> None:
        buckets: dict[int, list[tuple[int, int, int]]] = {}
        for user in users:
            buckets.setdefault(bucket_of(user), []).append((day, bucket_of(user), user))
        await asyncio.gather(
            *(
                self._session.write_partition(_SEEN, rows[first : first + _SEEN_AT_ONCE])
                for rows in buckets.values()
                for first in range(0, len(rows), _SEEN_AT_ONCE)
            )
        )

    async def active(self, day: int, *, after: int, limit: int) -> Ids:
        return await page_over(
            lambda bucket, above, most: self._session.rows(_ACTIVE, day, bucket, above, most),
            lambda rows: [user for (user,) in rows],
            after=after,
            limit=limit,
        )

    async def everybody(self, *, after: int, limit: int) -> Ids:
        # In the order of the ring, where no id has a place before all others.
        rows = await (
            self._session.rows(_FOLLOWING, after, limit) if after else self._session.rows(_FIRST, limit)
        )
        return np.array([user for (user,) in rows], np.int64)

    async def _create(self, entry: Entry, user: User) -> Written:
        if await self._session.rows(_READ, user.user_id):
            raise _taken("user_id")
        claim, handle = encode_entry(entry), user.handle.casefold()
        await self._claim(handle, user, claim)
        first = await self._path.claim(entry, entry.answer)
        if first is not None:
            await self._session.conditional(_GIVE_BACK, handle, claim)
            return Written(False, first)
        effect = await self._path.write(entry)
        if not effect.changed:
            # The id got another profile meanwhile; the handle is free again, and so is the key.
            await self._session.conditional(_GIVE_BACK, handle, claim)
            if entry.answer is not None:
                await self._path.idempotency.give_back(entry, entry.answer.key)
            raise _taken("user_id")
        return Written(True)

    async def _claim(self, handle: str, user: User, claim: bytes) -> None:
        """Makes the handle the user's own; raises Conflict where somebody has it."""
        while True:
            outcome = await self._session.conditional(_CLAIM, handle, user.user_id, claim)
            held = outcome.row.get("entry")
            if outcome.applied or held == claim:
                return
            if held is None:
                continue
            holder = await self._finished(decode_entry(held))
            if holder is not None and holder.handle.casefold() == handle:
                raise _taken("user_id" if holder.user_id == user.user_id else "handle")
            # The holder of the claim has a profile with another handle, or none: this one is nobody's.
            outcome = await self._session.conditional(_TAKE_OVER, user.user_id, claim, handle, held)
            if outcome.applied or outcome.row.get("entry") == claim:
                return

    async def _finished(self, claim: Entry) -> User | None:
        """The profile of who claimed a handle, made now where its maker died over it; None: never to be."""
        assert isinstance(claim.fact, UserWritten)
        user_id = claim.fact.user.user_id
        profile = await self._rows.find(user_id)
        if profile is None and await self._path.settle(claim):
            profile = await self._rows.find(user_id)
        return profile


def _taken(field: str) -> Conflict:
    return Conflict(f"this {field} has a profile already", field=field)
