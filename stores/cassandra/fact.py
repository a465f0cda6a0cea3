"""What is written: one kind of fact each, with all that its effects need.

`before` is what the writer read before it wrote; a write that changed nothing is told apart by it.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from core.types import Tweet, User


class EdgeVersions(NamedTuple):
    """The highest version that set an edge and the highest that removed it; 0 where none did."""

    on: int = 0
    off: int = 0

    @property
    def is_on(self) -> bool:
        return self.on > self.off

    @property
    def newest(self) -> int:
        return max(self)


class TweetWritten(msgspec.Struct, frozen=True, tag="tweet"):
    tweet: Tweet


class TweetDeleted(msgspec.Struct, frozen=True, tag="delete"):
    tweet: Tweet
    ver: int


class UserWritten(msgspec.Struct, frozen=True, tag="user"):
    user: User


class UserChanged(msgspec.Struct, frozen=True, tag="profile"):
    user: int
    display_name: str
    ver: int


class FollowWritten(msgspec.Struct, frozen=True, tag="follow"):
    follower: int
    followee: int
    on: bool
    ver: int
    before: EdgeVersions


class FollowEnd(NamedTuple):
    """A follow that a block ends, and the version of its end."""

    follower: int
    followee: int
    ver: int


class BlockWritten(msgspec.Struct, frozen=True, tag="block"):
    """`ends` are the follows that stood before, either way; those that come meanwhile are ended too."""

    user: int
    other: int
    on: bool
    ver: int
    before: EdgeVersions
    ends: tuple[FollowEnd, ...] = ()


class MuteWritten(msgspec.Struct, frozen=True, tag="mute"):
    user: int
    other: int
    on: bool
    ver: int
    before: EdgeVersions


class LikeWritten(msgspec.Struct, frozen=True, tag="like"):
    user: int
    tweet: int
    on: bool
    ver: int
    before: EdgeVersions


class AnswerKept(msgspec.Struct, frozen=True, tag="answer"):
    """An idempotency key's answer, and nothing else."""

    user: int


Fact = (
    TweetWritten
    | TweetDeleted
    | UserWritten
    | UserChanged
    | FollowWritten
    | BlockWritten
    | MuteWritten
    | LikeWritten
    | AnswerKept
)
EdgeFact = FollowWritten | BlockWritten | MuteWritten | LikeWritten
