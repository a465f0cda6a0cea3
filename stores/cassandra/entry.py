"""What an outbox row carries: the whole write, enough to repeat and to publish it."""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple

import msgspec

from core.errors import Corrupt, UnknownVersion
from core.ids import id_time_ms
from core.types import Tweet, User
from stores.ports import OutboxRecord

VERSION = 1
_DIGEST_BYTES = 16


class TweetWritten(msgspec.Struct, frozen=True, tag="tweet"):
    tweet: Tweet


class UserWritten(msgspec.Struct, frozen=True, tag="user"):
    user: User


class EdgeVersions(NamedTuple):
    """The highest version that set an edge and the highest that removed it; 0 where none did."""

    on: int = 0
    off: int = 0

    @property
    def is_on(self) -> bool:
        return self.on > self.off


class FollowWritten(msgspec.Struct, frozen=True, tag="follow"):
    """`before` is what the writer read before it wrote."""

    follower: int
    followee: int
    on: bool
    ver: int
    before: EdgeVersions


class LikeWritten(msgspec.Struct, frozen=True, tag="like"):
    user: int
    tweet: int
    on: bool
    ver: int
    before: EdgeVersions


Fact = TweetWritten | UserWritten | FollowWritten | LikeWritten


class Entry(msgspec.Struct, frozen=True):
    """`written_us` is the moment of the write, the row's own timestamp."""

    v: int
    written_us: int
    fact: Fact
    records: tuple[OutboxRecord, ...]

    @property
    def event_id(self) -> int:
        match self.fact:
            case TweetWritten(tweet):
                return tweet.tweet_id
            case UserWritten(user):
                return user.user_id
            case FollowWritten() | LikeWritten():
                return self.fact.ver

    @property
    def aggregate(self) -> int:
        """Whose shard it is: writes of one aggregate share it."""
        match self.fact:
            case TweetWritten(tweet):
                return tweet.author_id
            case UserWritten(user):
                return user.user_id
            case FollowWritten():
                return self.fact.follower
            case LikeWritten():
                return self.fact.tweet


class _Version(msgspec.Struct, frozen=True):
    v: int


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Entry)
_version_decoder = msgspec.msgpack.Decoder(_Version)


def encode_entry(entry: Entry) -> bytes:
    return _encoder.encode(entry)


def decode_entry(raw: bytes) -> Entry:
    """Raises UnknownVersion for a newer entry, Corrupt for what is none or of an unknown kind."""
    try:
        version = _version_decoder.decode(raw).v
        if version > VERSION:
            raise UnknownVersion(
                f"outbox entry of version {version}, this code knows {VERSION}: run the newer relay"
            )
        return _decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise Corrupt(f"not an outbox entry: {exc}") from exc


def digest_of(raw: bytes) -> bytes:
    """Names an entry by its content: the same one twice is one row, and two never share one."""
    return blake2b(raw, digest_size=_DIGEST_BYTES).digest()


def timestamp_us(snowflake: int) -> int:
    """The write timestamp of what an id or version names. Microseconds since 1970.

    Two versions of one millisecond share it: the cell that holds the higher version then wins, as
    Cassandra takes the greater value.
    """
    return id_time_ms(snowflake) * 1000
