"""Relations as bytes: what is written reads back, what cannot be read is a miss."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ids import MAX_ID
from stores.ports import Followees, Hidden
from timelines.relations import (
    OUTDATED,
    VERSION,
    decode_followees,
    decode_hidden,
    decode_outdated,
    encode_followees,
    encode_hidden,
    followees_key,
    hidden_key,
    token_key,
)

IDS = st.sets(st.integers(1, MAX_ID), max_size=50)


@given(ids=IDS, ver=st.integers(0, MAX_ID))
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


@given(ids=IDS, ver=st.integers(0, MAX_ID))
def test_outdated_followees_are_a_miss_that_reads_back(ids: set[int], ver: int) -> None:
    raw = encode_followees(Followees(np.array(sorted(ids), np.int64), ver))
    outdated = bytes([VERSION | OUTDATED]) + raw[1:]
    assert decode_outdated(raw) is None
    assert decode_followees(outdated) is None
    read = decode_outdated(outdated)
    assert read is not None
    assert (read.ids.tolist(), read.ver) == (sorted(ids), ver)


@given(blocked=IDS, muted=IDS, ver=st.integers(0, MAX_ID))
def test_who_is_hidden_reads_back(blocked: set[int], muted: set[int], ver: int) -> None:
    written = Hidden(np.array(sorted(blocked), np.int64), np.array(sorted(muted), np.int64), ver)
    read = decode_hidden(encode_hidden(written))
    assert read is not None
    assert (read.blocked.tolist(), read.muted.tolist(), read.ver) == (sorted(blocked), sorted(muted), ver)
    assert {read.blocked.dtype, read.muted.dtype} == {np.dtype(np.int64)}


@pytest.mark.parametrize(
    "raw",
    [None, b"", b"\x01", b"\x00" + bytes(12), b"\x02" + bytes(12), b"\x01" + bytes(8) + b"\x01" + bytes(3)],
)
def test_what_says_nothing_of_who_is_hidden_is_a_miss(raw: bytes | None) -> None:
    assert decode_hidden(raw) is None


def test_keys_share_the_viewers_hash_tag() -> None:
    assert (followees_key(42), hidden_key(42)) == (b"fs:{42}", b"bs:{42}")
    assert token_key(hidden_key(42)) == b"bs:{42}:fill"
