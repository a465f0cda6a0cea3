"""The system's clock: milliseconds since 1970, and one that never steps back."""

from __future__ import annotations

import time

from core.clock import SystemClock, utc_day


def test_the_wall_clock_is_in_milliseconds() -> None:
    before_ms = time.time_ns() // 1_000_000
    now_ms = SystemClock().now_ms()
    assert before_ms <= now_ms <= time.time_ns() // 1_000_000


def test_the_monotonic_clock_does_not_step_back() -> None:
    clock = SystemClock()
    assert clock.monotonic_s() <= clock.monotonic_s()


def test_days_begin_at_midnight_utc() -> None:
    assert [utc_day(at_ms) for at_ms in (0, 86_399_999, 86_400_000)] == [0, 0, 1]
    assert utc_day(1_700_000_000_000) == 19_675
