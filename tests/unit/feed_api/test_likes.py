"""A like whose key is known is answered as the first time, whatever the store says of the like itself."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace
from typing import cast

import pytest

from core.errors import RateLimited, Unavailable
from core.ids import UserId
from feed_api.auth import Principal
from feed_api.routes.likes import LIKE, like
from feed_api.services import Services
from stores.ports import IdempotentAnswer
from tests.fakes import FakeClock

CALLER = Principal(UserId(1), frozenset({"write"}), 2**40)
ASKED = hashlib.blake2b(b"77", digest_size=16).digest()
FIRST = IdempotentAnswer("k", LIKE.name, ASKED, b'{"liked":true}', 2**50)


class World:
    """Answers and limits; of likes nobody knows anything."""

    def __init__(self, first: IdempotentAnswer | None) -> None:
        self._first = first

    async def first(self, user: int, key: str, now_ms: int) -> IdempotentAnswer | None:
        return self._first

    async def charge(self, user: int, limit_class: str, key: str | None) -> None:
        raise RateLimited("too many", limit=1, retry_after_s=1)

    async def has_liked(self, user: int, tweet: int) -> bool:
        raise Unavailable("no quorum")

    def services(self) -> Services:
        return cast(Services, SimpleNamespace(clock=FakeClock(), answers=self, limits=self, engagements=self))


async def test_a_first_answer_needs_nothing_else_of_the_store() -> None:
    answer = await like(World(FIRST).services(), CALLER, "k", 77)
    assert (answer.status_code, answer.body) == (200, FIRST.answer)


async def test_who_asks_too_often_is_told_so_first() -> None:
    with pytest.raises(RateLimited):
        await like(World(None).services(), CALLER, "k", 77)
