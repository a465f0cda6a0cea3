"""Rates as settings write them."""

from __future__ import annotations

import pytest

from core.rates import Rate


@pytest.mark.parametrize(
    ("text", "count", "window_ms"),
    [
        ("300/3h", 300, 3 * 3_600_000),
        ("1/1s", 1, 1_000),
        ("1200/1m", 1_200, 60_000),
        ("100000/7d", 100_000, 7 * 86_400_000),
    ],
)
def test_a_rate(text: str, count: int, window_ms: int) -> None:
    assert Rate.parse(text) == Rate(count, window_ms, text)


def test_off_is_no_rate() -> None:
    assert Rate.parse("off") is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "300", "300/", "/3h", "300/3", "300/h", "0/3h", "300/0h", "-1/3h", "300/3w", "300/3H", "03/1h"),
        *("300 / 3h", "300/3h ", "1e3/3h", "\uff13/3h", "OFF", "100001/1s", "1/8d", "9999999/1s", "1/169h"),
    ],
)
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match="off"):
        Rate.parse(text)
