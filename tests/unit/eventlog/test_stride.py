"""How many events are handled at once: less for who is slow, more again for who keeps up."""

from __future__ import annotations

from eventlog.stride import Stride


def test_it_is_halved_down_to_one_and_doubled_up_to_the_most() -> None:
    stride = Stride(500)
    for expected in (250, 125, 62, 31, 15, 7, 3, 1, 1):
        stride.shorten(stride.events)
        assert stride.events == expected
    for expected in (2, 4, 8, 16, 32, 64, 128, 256, 500, 500):
        stride.lengthen()
        assert stride.events == expected


def test_a_part_that_was_smaller_than_allowed_is_halved_itself() -> None:
    stride = Stride(500)
    stride.shorten(10)
    assert stride.events == 5
