"""What users' idempotency keys were first used for."""

from __future__ import annotations

from core.ids import UserId
from stores.cassandra.fact import AnswerKept
from stores.cassandra.write_path import WritePath
from stores.ports import IdempotentAnswer


class CassandraAnswerStore:
    def __init__(self, path: WritePath) -> None:
        self._path = path

    async def first(self, user: UserId, key: str, now_ms: int) -> IdempotentAnswer | None:
        return await self._path.first(user, key, now_ms)

    async def keep(self, user: UserId, answer: IdempotentAnswer) -> IdempotentAnswer | None:
        # With the answer in it: of two at once, whose entries are alike but for it, one is the first.
        return await self._path.claim(self._path.entry(AnswerKept(user), (), answer), answer)
