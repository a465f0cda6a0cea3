"""Which partition of a topic a key belongs to: Kafka's default, so that both logs agree.

The murmur2 variant and its seed are those of Kafka's Java client (org.apache.kafka.common.utils).
"""

from __future__ import annotations

import struct
from functools import lru_cache

_MASK = 0xFFFFFFFF
_MULTIPLIER = 0x5BD1E995
_SEED = 0x9747B28C


def murmur2(data: bytes) -> int:
    """The unsigned 32-bit murmur2 hash of `data`."""
    length = len(data)
    h = (_SEED ^ length) & _MASK
    whole = length - length % 4
    for (word,) in struct.iter_unpack("<I", data[:whole]):
        k = word * _MULTIPLIER & _MASK
        k ^= k >> 24
        h = (h * _MULTIPLIER & _MASK) ^ (k * _MULTIPLIER & _MASK)
    tail = data[whole:]
    if tail:
        h ^= int.from_bytes(tail, "little")
        h = h * _MULTIPLIER & _MASK
    h ^= h >> 13
    h = h * _MULTIPLIER & _MASK
    return h ^ (h >> 15)


def encode_key(key: int) -> bytes:
    """The record key on the wire: 8 bytes, big-endian, signed."""
    return key.to_bytes(8, "big", signed=True)


@lru_cache(maxsize=65_536)
def partition_of(key: int, partitions: int) -> int:
    return (murmur2(encode_key(key)) & 0x7FFFFFFF) % partitions
