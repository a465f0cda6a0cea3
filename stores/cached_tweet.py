"""What Redis holds of a tweet: its body or a tombstone in `tw:id`, its counts and flags in `tc:id`.

The two lie on different shards of a Cluster. Either says that a tweet is gone; neither is truth.
"""

from __future__ import annotations

import struct

from core.packing import VersionedCodec
from core.types import Tweet
from stores.ports import Counts

VERSION = 1
TTL_S = 24 * 3600
TTL_SPREAD = 0.1
"""A share of the ttl by which expiries are spread, so that a flush does not come back as a wave."""
TOMBSTONE_TTL_S = 48 * 3600
"""Longer than any fill stays: what a tombstone lies over never outlives it."""

TWEETS = VersionedCodec(VERSION, Tweet)
TOMBSTONE = b"\x00"
"""Where a body has its version. Behind it stands the reason."""
DELETED = b"\x01"

COUNTS_BYTES = 12
"""Likes, retweets, replies; the flags follow. Big-endian, for `BITFIELD` counts so."""
MAX_COUNT = 2**32 - 1
FLAG_DELETED, FLAG_HIDDEN = 1, 2
DELETED_BIT = 127
"""Where `SETBIT` finds FLAG_DELETED."""

_STATE = struct.Struct(">4I")
_NO_STATE = b"\xff" * _STATE.size
"""All flags there can be: no state has them."""


def tweet_key(tweet_id: int) -> bytes:
    return b"tw:%d" % tweet_id


def counts_key(tweet_id: int) -> bytes:
    return b"tc:%d" % tweet_id


def is_tombstone(raw: bytes | None) -> bool:
    return raw is not None and raw.startswith(TOMBSTONE)


def encode_counts(counts: Counts) -> bytes:
    """The twelve bytes before the flags."""
    return _STATE.pack(*(min(max(0, count), MAX_COUNT) for count in counts), 0)[:COUNTS_BYTES]


def encode_state(counts: Counts, flags: int = 0) -> bytes:
    return encode_counts(counts) + flags.to_bytes(4, "big")


def decode_state(raw: bytes | None) -> tuple[Counts, int] | None:
    """Counts and flags; None for what is missing or no state."""
    if raw is None or len(raw) != _STATE.size or raw == _NO_STATE:
        return None
    likes, retweets, replies, flags = _STATE.unpack(raw)
    return Counts(likes, retweets, replies), flags
