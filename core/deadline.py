"""How long a request may still take, handed down from stage to stage."""

from __future__ import annotations

import msgspec

from core.clock import Clock


class Deadline(msgspec.Struct, frozen=True):
    """A moment on the monotonic clock after which nobody waits for the answer any more."""

    at_s: float
    clock: Clock

    @classmethod
    def after_ms(cls, budget_ms: float, clock: Clock) -> Deadline:
        return cls(clock.monotonic_s() + budget_ms / 1000.0, clock)

    def remaining_s(self, at_most_ms: float | None = None) -> float:
        """Seconds left, never negative, cut to a stage's own budget where it has one."""
        left = max(0.0, self.at_s - self.clock.monotonic_s())
        return left if at_most_ms is None else min(left, at_most_ms / 1000.0)
