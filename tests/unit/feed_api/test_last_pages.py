"""Pages in memory: bounded in bytes and in age, and only for who asks the same again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ids import UserId
from feed_api.last_pages import OVERHEAD_BYTES, LastPage, LastPages
from tests.fakes import FakeClock

ADA, BOB = UserId(1), UserId(2)


def page(size: int = 100, *, limit: int = 20) -> LastPage:
    return LastPage("ranked", limit, b"x" * size, None, "ranked", "home@1", "engagement@1", "slate", False)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def pages_of(clock: FakeClock, entries: int) -> LastPages:
    return LastPages(clock, max_bytes=entries * (100 + OVERHEAD_BYTES), max_age_s=300)


def test_the_last_one_is_kept_for_the_same_question(clock: FakeClock) -> None:
    pages = pages_of(clock, 10)
    assert pages.get(ADA, "ranked", 20) is None
    pages.keep(ADA, page(50))
    pages.keep(ADA, page())
    assert pages.get(ADA, "ranked", 20) == page()
    assert pages.get(BOB, "ranked", 20) is None
    assert pages.get(ADA, "chronological", 20) is None
    assert pages.get(ADA, "ranked", 19) is None
    pages.keep(ADA, page(limit=5))
    assert pages.get(ADA, "ranked", 20) is None


def test_an_old_one_is_not_shown(clock: FakeClock) -> None:
    pages = pages_of(clock, 10)
    pages.keep(ADA, page())
    clock.advance(300_000)
    assert pages.get(ADA, "ranked", 20) is not None
    clock.advance(1)
    assert pages.get(ADA, "ranked", 20) is None


def test_those_served_longest_ago_make_room(clock: FakeClock) -> None:
    pages = pages_of(clock, 2)
    for viewer in (1, 2, 1, 3):
        pages.keep(UserId(viewer), page())
    assert [pages.get(UserId(viewer), "ranked", 20) is not None for viewer in (1, 2, 3)] == [
        True,
        False,
        True,
    ]
    # One that is too large for all of it is not kept, and nor is what it takes the place of.
    pages.keep(ADA, page(10_000))
    assert pages.get(ADA, "ranked", 20) is None
    assert pages.get(UserId(3), "ranked", 20) is not None


def test_what_the_viewer_does_not_want_to_see_is_forgotten(clock: FakeClock) -> None:
    pages = pages_of(clock, 2)
    pages.keep(ADA, page())
    pages.forget(ADA)
    pages.forget(ADA)
    assert pages.get(ADA, "ranked", 20) is None


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 3_000)), max_size=60))
def test_the_bytes_are_bounded(kept: list[tuple[int, int]]) -> None:
    bound = 5_000
    pages = LastPages(FakeClock(), max_bytes=bound, max_age_s=300)
    last: dict[int, int] = {}
    for viewer, size in kept:
        pages.keep(UserId(viewer), page(size))
        last[viewer] = size
        held = [size for one, size in last.items() if pages.get(UserId(one), "ranked", 20) is not None]
        assert sum(held) + len(held) * OVERHEAD_BYTES <= bound
        assert pages.get(UserId(viewer), "ranked", 20) is not None


def test_what_was_deleted_here_is_not_shown_again(clock: FakeClock) -> None:
    pages = pages_of(clock, 10)
    pages.keep(ADA, page()._replace(ids=(7, 8)))
    pages.keep(BOB, page()._replace(ids=(8, 9)))
    pages.bury(7)
    assert pages.get(ADA, "ranked", 20) is None
    assert pages.get(BOB, "ranked", 20) is not None
    # Nor on a page that was being made meanwhile.
    pages.keep(ADA, page()._replace(ids=(7,)))
    assert pages.get(ADA, "ranked", 20) is None
    pages.keep(ADA, page()._replace(ids=(6,)))
    assert pages.get(ADA, "ranked", 20) is not None


def test_burials_are_forgotten_with_the_pages_that_they_are_about(clock: FakeClock) -> None:
    pages = pages_of(clock, 10)
    for tweet_id in range(50):
        pages.bury(tweet_id)
        clock.advance(20_000)
    assert 0 not in pages._buried
    assert 49 in pages._buried
    assert len(pages._buried) < 40
