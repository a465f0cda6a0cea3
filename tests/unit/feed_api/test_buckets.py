"""A bucket in the process: full at first, filled evenly, and never more than twice its size in a window."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.rates import Rate
from feed_api.buckets import Buckets
from tests.fakes import FakeClock

RATE = Rate(10, 1_000, "10/1s")


def test_a_full_bucket_lets_its_count_through_and_says_when_the_next_may_come() -> None:
    clock = FakeClock()
    buckets = Buckets(RATE, clock)
    assert [buckets.charge(7) for _ in range(10)] == [0.0] * 10
    wait_s = buckets.charge(7)
    assert round(wait_s, 9) == 0.1
    # Nobody else is meant, and asking costs nothing.
    assert buckets.charge(8) == 0.0
    assert round(buckets.charge(7), 9) == 0.1
    clock.advance(100)
    assert buckets.charge(7) == 0.0
    assert buckets.charge(7) > 0.0
    clock.advance(1_000)
    assert [buckets.charge(7) for _ in range(10)] == [0.0] * 10


def test_a_cost_is_taken_whole_or_not_at_all() -> None:
    buckets = Buckets(RATE, FakeClock())
    assert buckets.charge(7, 6) == 0.0
    assert round(buckets.charge(7, 6), 9) == 0.2
    assert buckets.charge(7, 4) == 0.0
    assert buckets.charge(8, 11) > 0.0


def test_who_was_not_seen_for_longest_is_forgotten() -> None:
    buckets = Buckets(RATE, FakeClock(), capacity=2)
    for user in (1, 2, 1, 3):
        assert buckets.charge(user, 5) == 0.0
    # 2 was forgotten and has a full bucket again; 1 has not.
    assert buckets.charge(1) > 0.0
    assert buckets.charge(2, 10) == 0.0


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 5)), max_size=80))
def test_no_window_has_more_than_twice_the_count(steps: list[tuple[int, int]]) -> None:
    clock = FakeClock()
    buckets, admitted = Buckets(RATE, clock), list[tuple[int, int]]()
    for advance_ms, cost in steps:
        clock.advance(advance_ms)
        if buckets.charge(7, cost) == 0.0:
            admitted.append((clock.now_ms(), cost))
    for began, _ in admitted:
        inside = sum(cost for at, cost in admitted if began <= at < began + RATE.window_ms)
        assert inside <= 2 * RATE.count
