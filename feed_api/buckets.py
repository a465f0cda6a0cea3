"""Rates kept in the process: no round trip, so each process of several lets the whole rate through."""

from __future__ import annotations

from core.clock import Clock
from core.rates import Rate

CAPACITY = 100_000


class Buckets:
    """One token bucket a user, full at first: `count` at once, then `count` evenly over each window.

    In any window that is at most twice the count. Kept as GCRA does, one moment a user: the one at
    which the bucket would be full again.
    """

    def __init__(self, rate: Rate, clock: Clock, *, capacity: int = CAPACITY) -> None:
        self._window_s = rate.window_ms / 1000
        self._each_s = self._window_s / rate.count
        self._clock = clock
        self._capacity = capacity
        self._full_at_s: dict[int, float] = {}

    def charge(self, user: int, cost: int = 1) -> float:
        """Takes `cost` and returns 0.0; else takes nothing and returns the seconds until it could.

        A cost above the count is never admitted.
        """
        now_s = self._clock.monotonic_s()
        full_at_s = max(self._full_at_s.get(user, 0.0), now_s) + cost * self._each_s
        wait_s = full_at_s - now_s - self._window_s
        # A rounding error must not turn away the last one of a full bucket.
        if wait_s > self._each_s * 1e-6:
            return wait_s
        # Re-inserting moves a user to the end: the first is the one not seen for longest, and forgotten.
        self._full_at_s.pop(user, None)
        while len(self._full_at_s) >= self._capacity:
            del self._full_at_s[next(iter(self._full_at_s))]
        self._full_at_s[user] = full_at_s
        return 0.0
