"""Profiles. A handle is claimed first, by a row that carries the whole profile; the profile itself
is the last step, so what stands in `users` has been committed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from cassandra import ConsistencyLevel

from core.errors import Conflict
from core.types import User
from stores.cassandra.entry import Entry, UserWritten, decode_entry, encode_entry
from stores.cassandra.session import CassandraSession, Statement
from stores.cassandra.write_path import WritePath
from stores.ports import OutboxRecord

_READ = "SELECT id, handle, display_name, created_ms FROM ks.users WHERE id = ?"
_READ_ONE = Statement(_READ, ConsistencyLevel.LOCAL_ONE)
_READ_QUORUM = Statement(_READ)
_READ_SERIAL = Statement(_READ, ConsistencyLevel.LOCAL_SERIAL)
_CLAIM = Statement(
    "INSERT INTO ks.handles (handle, id, entry) VALUES (?, ?, ?) IF NOT EXISTS", conditional=True
)
_TAKE_OVER = Statement(
    "UPDATE ks.handles SET id = ?, entry = ? WHERE handle = ? IF entry = ?", conditional=True
)
_GIVE_BACK = Statement("DELETE FROM ks.handles WHERE handle = ? IF entry = ?", conditional=True)


class CassandraUserStore:
    def __init__(self, session: CassandraSession, path: WritePath) -> None:
        self._session = session
        self._path = path

    async def create(self, user: User, outbox: Sequence[OutboxRecord]) -> None:
        if await self._session.rows(_READ_QUORUM, user.user_id):
            raise _taken("user_id")
        entry = self._path.entry(UserWritten(user), outbox)
        claim, handle = encode_entry(entry), user.handle.casefold()
        await self._claim(handle, user, claim)
        effect = await self._path.write(entry)
        if not effect.changed:
            # The id got another profile meanwhile; the handle is free again.
            await self._session.conditional(_GIVE_BACK, handle, claim)
            raise _taken("user_id")

    async def get_many(self, user_ids: Sequence[int]) -> Mapping[int, User]:
        wanted = dict.fromkeys(user_ids)
        found = await self._read(wanted, _READ_ONE)
        # One copy may not have it yet; a quorum does.
        found |= await self._read([id_ for id_ in wanted if id_ not in found], _READ_QUORUM)
        return found

    async def _read(
        self, user_ids: Sequence[int] | Mapping[int, None], statement: Statement
    ) -> dict[int, User]:
        results = await asyncio.gather(*(self._session.rows(statement, id_) for id_ in user_ids))
        return {rows[0][0]: User(*rows[0]) for rows in results if rows}

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
            if holder.handle.casefold() == handle:
                raise _taken("user_id" if holder.user_id == user.user_id else "handle")
            # The holder of the claim has a profile with another handle: this one is nobody's.
            outcome = await self._session.conditional(_TAKE_OVER, user.user_id, claim, handle, held)
            if outcome.applied or outcome.row.get("entry") == claim:
                return

    async def _finished(self, claim: Entry) -> User:
        """The profile of who claimed a handle, made now where its maker died over it."""
        assert isinstance(claim.fact, UserWritten)
        user_id = claim.fact.user.user_id
        rows = await self._session.rows(_READ_SERIAL, user_id)
        if not rows:
            await self._path.finish(claim)
            rows = await self._session.rows(_READ_SERIAL, user_id)
        return User(*rows[0])


def _taken(field: str) -> Conflict:
    return Conflict(f"this {field} has a profile already", field=field)
