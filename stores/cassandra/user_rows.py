"""The row of a profile: made and changed by lightweight transactions, so that nothing is overtaken."""

from __future__ import annotations

from cassandra import ConsistencyLevel

from core.types import User
from stores.cassandra.session import CassandraSession, Statement

_READ = Statement(
    "SELECT id, handle, display_name, created_ms, ver FROM ks.users WHERE id = ?",
    ConsistencyLevel.LOCAL_SERIAL,
)
_CREATE = Statement(
    "INSERT INTO ks.users (id, handle, display_name, created_ms) VALUES (?, ?, ?, ?) IF NOT EXISTS",
    conditional=True,
)
_CHANGE = Statement("UPDATE ks.users SET display_name = ?, ver = ? WHERE id = ? IF ver = ?", conditional=True)


class UserRows:
    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    async def create(self, user: User) -> bool:
        """Whether the row is this profile's: of this or an earlier try, or of who finished it."""
        outcome = await self._session.conditional(
            _CREATE, user.user_id, user.handle, user.display_name, user.created_ms
        )
        row = outcome.row
        # The display name may have been changed since.
        return outcome.applied or (row["handle"], row["created_ms"]) == (user.handle, user.created_ms)

    async def change(self, user_id: int, display_name: str, ver: int) -> bool:
        """Whether this change stands; a later one may, or there may be no such profile."""
        while True:
            rows = await self._session.rows(_READ, user_id)
            if not rows:
                return False
            name, known = rows[0][2], rows[0][4]
            if (known or 0) >= ver:
                # This very change, perhaps, of a try whose end was not told; or one that was raised above
                # the same version at the same time.
                return bool(known == ver and name == display_name)
            outcome = await self._session.conditional(_CHANGE, display_name, ver, user_id, known)
            if outcome.applied:
                return True

    async def find(self, user_id: int) -> User | None:
        found = await self.standing(user_id)
        return None if found is None else found[0]

    async def version(self, user_id: int) -> int:
        """Of its last change; 0 where there was none."""
        found = await self.standing(user_id)
        return 0 if found is None else found[1]

    async def standing(self, user_id: int) -> tuple[User, int] | None:
        """The profile as it stands and the version of its last change, 0 where there was none."""
        rows = await self._session.rows(_READ, user_id)
        return (User(*rows[0][:4]), rows[0][4] or 0) if rows else None
