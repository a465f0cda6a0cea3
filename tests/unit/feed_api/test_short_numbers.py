"""Counts in few characters, and never more than there are."""

from __future__ import annotations

import pytest

from feed_api.short_numbers import short


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1K"),
        (1_099, "1K"),
        (1_100, "1.1K"),
        (1_299, "1.2K"),
        (99_999, "99.9K"),
        (100_000, "100K"),
        (999_999, "999K"),
        (1_000_000, "1M"),
        (1_550_000, "1.5M"),
        (2**32 - 1, "4.2B"),
    ],
)
def test_a_count_is_shown_short(count: int, shown: str) -> None:
    assert short(count) == shown
