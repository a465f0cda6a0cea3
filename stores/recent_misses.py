"""Ids that were asked for a moment ago and are in no store: asked for again, they cost nothing.

For a second only, and in the process: a tweet may be created under any of them yet, an old id
included, where its writer died and somebody else finishes the write.
"""

from __future__ import annotations

from collections.abc import Iterable

from core.clock import Clock

TTL_S = 1.0
CAPACITY = 10_000


class RecentMisses:
    def __init__(self, clock: Clock, *, capacity: int = CAPACITY) -> None:
        self._clock = clock
        self._capacity = capacity
        self._until_s: dict[int, float] = {}

    def __contains__(self, tweet_id: int) -> bool:
        until_s = self._until_s.get(tweet_id)
        return until_s is not None and until_s > self._clock.monotonic_s()

    def add(self, tweet_ids: Iterable[int]) -> None:
        until_s = self._clock.monotonic_s() + TTL_S
        for tweet_id in tweet_ids:
            # Re-inserted at the end: the first is the one that was added longest ago.
            self._until_s.pop(tweet_id, None)
            while len(self._until_s) >= self._capacity:
                del self._until_s[next(iter(self._until_s))]
            self._until_s[tweet_id] = until_s

    def forget(self, tweet_id: int) -> None:
        self._until_s.pop(tweet_id, None)
