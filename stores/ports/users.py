"""Profiles, and who was here lately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from core.ids import UserId
from core.types import User
from stores.ports.records import IdempotentAnswer, Ids, OutboxRecord, Written


class UserStore(Protocol):
    async def create(
        self, user: User, outbox: Sequence[OutboxRecord], *, idempotency: IdempotentAnswer | None = None
    ) -> Written:
        """Adds a profile; raises Conflict with field `user_id` or `handle` where it is taken.

        Handles are compared without case. Repeated after Unavailable it may meet its own first try,
        as a Conflict over `user_id`; under a key it gets its answer.
        """
        ...

    async def change(
        self,
        user: UserId,
        *,
        display_name: str,
        ver: int,
        outbox: Sequence[OutboxRecord],
        idempotency: IdempotentAnswer | None = None,
    ) -> Written:
        """Changes a profile; NotFound where there is none.

        The highest `ver` decides; a change that is not above it is `behind`.
        """
        ...

    async def get_many(self, user_ids: Sequence[int]) -> Mapping[int, User]:
        """Profiles by id, at most 1,000 a call; unknown ids are absent."""
        ...

    async def with_handle(self, handle: str) -> User | None:
        """Whose handle it is, compared without case; None where it is nobody's."""
        ...

    async def seen(self, users: Sequence[UserId], day: int) -> None:
        """Notes that these were here on that day (`core.clock.utc_day`), at most 1,000 a call.

        They need no profile. It is kept until that day is eight days past, at least.
        """
        ...

    async def active(self, day: int, *, after: int, limit: int) -> Ids:
        """Who was here on that day and on no later one; such as were may be among them.

        Ids above `after`, ascending: int64 [<= limit]; empty at the end.
        """
        ...

    async def everybody(self, *, after: int, limit: int) -> Ids:
        """Ids of all who have a profile, in an order of the store's own: behind `after`, 0 to begin.

        int64 [<= limit]; empty at the end. Who joins meanwhile may be among them or not.
        """
        ...
