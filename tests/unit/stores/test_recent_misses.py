"""Recent misses: for a second, and not without bound."""

from __future__ import annotations

from stores.recent_misses import TTL_S, RecentMisses
from tests.fakes import FakeClock


def test_a_miss_is_known_for_a_second() -> None:
    clock = FakeClock()
    misses = RecentMisses(clock)
    misses.add([1, 2])
    assert 1 in misses
    assert 2 in misses
    assert 3 not in misses
    clock.advance(int(TTL_S * 1_000) - 1)
    assert 1 in misses
    clock.advance(1)
    assert 1 not in misses


def test_what_was_created_is_none() -> None:
    misses = RecentMisses(FakeClock())
    misses.add([1, 2])
    misses.forget(1)
    misses.forget(3)
    assert 1 not in misses
    assert 2 in misses


def test_the_oldest_make_room() -> None:
    misses = RecentMisses(FakeClock(), capacity=3)
    misses.add([1, 2, 3])
    misses.add([1, 4])
    assert [one in misses for one in (1, 2, 3, 4)] == [True, False, True, True]
