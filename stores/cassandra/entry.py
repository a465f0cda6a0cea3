"""What an outbox row carries: the whole write, enough to repeat and to publish it.

A version is what a relay must know to finish an entry: its kinds of facts, and what follows from them.
A relay that knows less sets the entry aside, where it waits for newer code.
"""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from core.errors import Corrupt, UnknownVersion
from core.ids import id_time_ms
from stores.cassandra.fact import (
    AnswerKept,
    Fact,
    FollowWritten,
    LikeWritten,
    TweetDeleted,
    TweetWritten,
    UserWritten,
)
from stores.ports import IdempotentAnswer, OutboxRecord

VERSION = 2
"""2: deletions, profiles, blocks and mutes; replies and retweets have edges, a block ends follows."""
_DIGEST_BYTES = 16


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """`written_us` is the moment of the write, the row's own timestamp.

    `answer` stands where something besides the key is claimed first: who meets that claim must know
    the key, for it is the key's row that says whether the write takes place.
    """

    v: int
    written_us: int
    fact: Fact
    records: tuple[OutboxRecord, ...]
    answer: IdempotentAnswer | None = None

    @property
    def event_id(self) -> int:
        match self.fact:
            case TweetWritten(tweet):
                return tweet.tweet_id
            case UserWritten(user):
                return user.user_id
            case AnswerKept():
                raise AssertionError("an answer alone is in no outbox")
            case _:
                return self.fact.ver

    @property
    def user(self) -> int:
        """Who wrote it; keys are theirs."""
        match self.fact:
            case TweetWritten(tweet) | TweetDeleted(tweet):
                return tweet.author_id
            case UserWritten(user):
                return user.user_id
            case FollowWritten():
                return self.fact.follower
            case _:
                return self.fact.user

    @property
    def aggregate(self) -> int:
        """Whose shard it is: writes of one aggregate share it."""
        return self.fact.tweet if isinstance(self.fact, LikeWritten) else self.user


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
