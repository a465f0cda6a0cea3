"""Packed commands, byte by byte as the protocol has them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stores.redis_commands import mget, pack


def test_words_are_told_with_their_lengths() -> None:
    assert pack(b"SET", b"k", 12) == b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n12\r\n"


@given(st.lists(st.binary(max_size=70), min_size=1))
def test_an_mget_of_keys_is_that_of_words(keys: list[bytes]) -> None:
    assert mget(keys) == pack(b"MGET", *keys)
