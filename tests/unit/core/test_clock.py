"""The system's clock: milliseconds since 1970, and one that never steps back."""

from __future__ import annotations

import time

from core.clock import SystemClock


def test_the_wall_clock_is_in_milliseconds() -> None:
    before_ms = time.time_ns() // 1_000_000
    now_ms = SystemClock().now_ms()
    assert before_ms <= now_ms <= time.time_ns() // 1_000_000


def test_the_monotonic_clock_does_not_step_back() -> None:
    clock = SystemClock()
    assert clock.monotonic_s() <= clock.monotonic_s()
