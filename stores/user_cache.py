"""Profiles by id, kept in the process: a page of 20 tweets needs 20 authors and no round trip.

Staleness is bounded by the ttl: a changed display name shows everywhere within a minute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.clock import Clock
from core.types import User
from stores.ports import UserStore

TTL_S = 60.0
CAPACITY = 100_000


class UserCache:
    def __init__(self, users: UserStore, clock: Clock, *, capacity: int = CAPACITY) -> None:
        self._users = users
        self._clock = clock
        self._capacity = capacity
        self._kept: dict[int, tuple[float, User]] = {}

    async def get_many(self, user_ids: Sequence[int]) -> Mapping[int, User]:
        """Profiles by id; unknown ids are absent and asked for anew each time."""
        now_s = self._clock.monotonic_s()
        found: dict[int, User] = {}
        missing: list[int] = []
        for user_id in dict.fromkeys(user_ids):
            kept = self._kept.get(user_id)
            if kept is not None and kept[0] > now_s:
                found[user_id] = kept[1]
            else:
                missing.append(user_id)
        if missing:
            for user_id, user in (await self._users.get_many(missing)).items():
                found[user_id] = user
                self._keep(user_id, user, now_s)
        return found

    def _keep(self, user_id: int, user: User, now_s: float) -> None:
        # Re-inserting moves an entry to the end, so the first key is the one filled longest ago.
        self._kept.pop(user_id, None)
        while len(self._kept) >= self._capacity:
            del self._kept[next(iter(self._kept))]
        self._kept[user_id] = (now_s + TTL_S, user)
