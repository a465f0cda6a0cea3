"""What users' idempotency keys were first used for, in the embedded file."""

from __future__ import annotations

from core.ids import UserId
from stores.ports import IdempotentAnswer
from stores.sqlite import SqliteStore, first_answer


class SqliteAnswerStore(SqliteStore):
    async def first(self, user: UserId, key: str, now_ms: int) -> IdempotentAnswer | None:
        return await self._database.look_up(lambda connection: first_answer(connection, user, key, now_ms))

    async def keep(self, user: UserId, answer: IdempotentAnswer) -> IdempotentAnswer | None:
        return await self._database.write(lambda connection: self._claim(connection, user, answer))
