"""The partitioner agrees with Kafka's Java client, so that both logs order alike."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stores.partitioner import encode_key, murmur2, partition_of

# The vectors of Kafka's own UtilsTest.testMurmur2, as signed 32-bit integers.
VECTORS = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("data", "expected"), VECTORS.items())
def test_murmur2_is_kafkas(data: bytes, expected: int) -> None:
    assert murmur2(data) == expected % 2**32


@given(st.binary(max_size=64))
def test_a_hash_is_an_unsigned_32_bit_integer(data: bytes) -> None:
    assert 0 <= murmur2(data) < 2**32


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_key_is_8_bytes_big_endian(key: int) -> None:
    assert encode_key(key) == struct.pack(">q", key)


@given(st.integers(-(2**63), 2**63 - 1), st.sampled_from([1, 16, 64]))
def test_a_key_always_has_the_same_partition_in_range(key: int, partitions: int) -> None:
    part = partition_of(key, partitions)
    assert 0 <= part < partitions
    assert part == (murmur2(encode_key(key)) & 0x7FFFFFFF) % partitions


def test_keys_spread_over_the_partitions() -> None:
    counts = [0] * 16
    for key in range(16_000):
        counts[partition_of(key << 22, 16)] += 1
    assert min(counts) > 800
    assert max(counts) < 1200
