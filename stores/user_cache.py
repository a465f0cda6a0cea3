"""Profiles by id, kept in the process: a page of 20 tweets needs 20 authors and no round trip.

Staleness is bounded by the ttl: a changed display name shows everywhere within a minute. While the
store is away, what is known is older.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

import structlog

from core.clock import Clock
from core.errors import Unavailable
from core.types import User
from stores.ports import UserStore

TTL_S = 60.0
CAPACITY = 100_000
PATIENCE_S = 0.25
"""For a store that is to say whether a profile has changed."""
ASK_AGAIN_S = 5.0
"""After it did not say: every request would wait for it, one after the other."""

_logger = structlog.get_logger("user_cache")


class UserCache:
    def __init__(self, users: UserStore, clock: Clock, *, capacity: int = CAPACITY) -> None:
        self._users = users
        self._clock = clock
        self._capacity = capacity
        self._kept: dict[int, tuple[float, User]] = {}
        self._changes = 0

    async def get_many(self, user_ids: Sequence[int]) -> Mapping[int, User]:
        """Profiles by id; unknown ids are absent and asked for anew each time.

        Raises Unavailable where the store is away and one of them was never seen here.
        """
        now_s = self._clock.monotonic_s()
        found: dict[int, User] = {}
        old: dict[int, User] = {}
        missing: list[int] = []
        for user_id in dict.fromkeys(user_ids):
            kept = self._kept.get(user_id)
            if kept is not None and kept[0] > now_s:
                found[user_id] = kept[1]
            elif kept is not None:
                old[user_id] = kept[1]
            else:
                missing.append(user_id)
        if missing:
            found |= await self._stored([*missing, *old], now_s)
        elif old:
            changes = self._changes
            try:
                async with asyncio.timeout(PATIENCE_S):
                    found |= await self._stored(list(old), now_s)
            except (Unavailable, TimeoutError) as exc:
                _logger.warning("profiles_from_memory", error=str(exc) or type(exc).__name__)
                if changes == self._changes:
                    for user_id, user in old.items():
                        self._keep(user_id, user, self._clock.monotonic_s() + ASK_AGAIN_S)
                found |= old
        return found

    def fresh(self, user_ids: Iterable[int]) -> Mapping[int, User] | None:
        """As `get_many` where all of them are known here and not too old; else None. Waits for nothing."""
        now_s = self._clock.monotonic_s()
        found: dict[int, User] = {}
        for user_id in user_ids:
            kept = self._kept.get(user_id)
            if kept is None or kept[0] <= now_s:
                return None
            found[user_id] = kept[1]
        return found

    async def at_hand(self, user_ids: Sequence[int]) -> Mapping[int, User]:
        """Those that are known here, however old; the store is not asked."""
        return {user_id: self._kept[user_id][1] for user_id in user_ids if user_id in self._kept}

    def forget(self, user_id: int) -> None:
        """After a change that was written by this process: its next read shows it."""
        self._changes += 1
        self._kept.pop(user_id, None)

    async def _stored(self, user_ids: Sequence[int], now_s: float) -> Mapping[int, User]:
        changes = self._changes
        stored = await self._users.get_many(user_ids)
        if changes != self._changes:
            # It may have been read before a change, and would outlive it here.
            return stored
        for user_id, user in stored.items():
            self._keep(user_id, user, now_s + TTL_S)
        return stored

    def _keep(self, user_id: int, user: User, until_s: float) -> None:
        # Re-inserting moves an entry to the end, so the first key is the one filled longest ago.
        self._kept.pop(user_id, None)
        while len(self._kept) >= self._capacity:
            del self._kept[next(iter(self._kept))]
        self._kept[user_id] = (until_s, user)
