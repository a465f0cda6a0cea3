"""Followees as bytes: what is written reads back, what cannot be read is a miss."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ids import MAX_ID
from stores.ports import Followees
from timelines.relations import decode_followees, encode_followees, fence_key, followees_key


@given(ids=st.sets(st.integers(1, MAX_ID), max_size=50), ver=st.integers(0, MAX_ID))
def test_followees_read_back(ids: set[int], ver: int) -> None:
    written = Followees(np.array(sorted(ids), np.int64), ver)
    read = decode_followees(encode_followees(written))
    assert read is not None
    assert read.ids.tolist() == sorted(ids)
    assert read.ids.dtype == np.int64
    assert read.ver == ver


def test_nobody_followed_is_no_miss() -> None:
    read = decode_followees(encode_followees(Followees(np.empty(0, np.int64), 5)))
    assert read is not None
    assert (read.ids.tolist(), read.ver) == ([], 5)


@pytest.mark.parametrize("cut", range(1, 17))
def test_a_value_cut_short_is_a_miss_or_says_less(cut: int) -> None:
    raw = encode_followees(Followees(np.array([1, 2], np.int64), 5))
    read = decode_followees(raw[:-cut])
    # Cut between two ids nothing can be told; Redis never cuts a value.
    assert read is None if cut % 8 else read is not None


@pytest.mark.parametrize("raw", [None, b"", b"\x01", b"\x00" + bytes(8), b"\x02" + bytes(16)])
def test_what_is_none_is_a_miss(raw: bytes | None) -> None:
    assert decode_followees(raw) is None


def test_keys_share_the_viewers_hash_tag() -> None:
    assert (followees_key(42), fence_key(42)) == (b"fs:{42}", b"fs:{42}:fence")
