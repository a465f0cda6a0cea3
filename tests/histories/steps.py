"""What can happen in a history, as data: a failing one is printed, and can be pasted into a test.

People and tweets are named by small numbers: a person by place, a tweet by how many are newer than it.
Numbers are taken modulo what there is, so that every step means something in every history.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.histories.interruption import Fault
from tests.histories.truth import EdgeKind


@dataclass(frozen=True, slots=True)
class Post:
    """`burst` tweets, one after the other; the fault is the first one's.

    `repeat` sends the request again, under the same key, as a client does that got no answer.
    """

    author: int
    burst: int = 1
    via: int = 0
    repeat: bool = False
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    author: int
    to: int
    via: int = 0
    repeat: bool = False
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Retweet:
    author: int
    of: int
    via: int = 0
    repeat: bool = False
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """By its author."""

    which: int
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """Somebody follows, blocks, mutes or likes, or does so no more. `b` is a tweet for likes."""

    kind: EdgeKind
    on: bool
    a: int
    b: int
    fault: Fault | None = None
    via: int = 0


@dataclass(frozen=True, slots=True)
class FollowCrowd:
    """Somebody follows 17 others in a row, each of whom has tweeted."""

    a: int


@dataclass(frozen=True, slots=True)
class Read:
    """The next pages of the viewer's scroll, or the first ones of another; the fault is the first one's."""

    viewer: int
    pages: int = 1
    via: int = 0
    refresh: bool = False
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Consume:
    """A batch for one consumer: each pick takes the next entry of one of its partitions."""

    consumer: int
    picks: tuple[int, ...]
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Hear:
    """Everything is consumed that can be while somebody is held."""


@dataclass(frozen=True, slots=True)
class Redeliver:
    """The newest commits of a consumer were lost: up to `back` entries of each partition come again."""

    consumer: int
    back: int


@dataclass(frozen=True, slots=True)
class Replay:
    """A consumer begins again at the beginning."""

    consumer: int


@dataclass(frozen=True, slots=True)
class Drain:
    """Everything is consumed, and whoever was held goes on: what is read now must be exact."""


@dataclass(frozen=True, slots=True)
class Flush:
    """FLUSHALL."""


@dataclass(frozen=True, slots=True)
class Expire:
    """One key of Redis is gone."""

    which: int


@dataclass(frozen=True, slots=True)
class Release:
    """Whoever was held goes on."""


Write = Post | Reply | Retweet | Delete | Change
Step = Write | FollowCrowd | Read | Consume | Hear | Redeliver | Replay | Drain | Flush | Expire | Release
