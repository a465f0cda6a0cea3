"""What the product asks of its stores. Every adapter passes the same contract suite.

Promises shared by every port:

- A write that returned is durable: it survives the death of the process and, for facts, the
  loss of power.
- A write and its outbox records stand or fall together: what is written is told of, what is not is
  not. Records are published at least once, after the write can be read; where a process died or the
  log was away, seconds after it came back, and then not always in the order of the writes. Their
  events carry versions for that.
- A second identical write changes nothing; it may be told of again. Where a write answers whether it
  changed something, a later one answers that it did not, but of several at the very same time each
  may be told that it did. Where it refuses what is taken, it finds itself in the way.
- `Unavailable` means that the outcome is not known: the write may still take place by itself, as a
  whole. Repeating the call is always safe.
- Reads see every write that returned before the read began.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from core.ids import TweetId, UserId
from core.types import Tweet, User

Ids = NDArray[np.int64]


class OutboxRecord(NamedTuple):
    """One event, already encoded, on its way to the log. `key` decides its partition and order."""

    topic: str
    key: int
    value: bytes


@dataclass(frozen=True, slots=True)
class IdempotentAnswer:
    """What a user's idempotency key was first used for, and the bytes that answered it."""

    key: str
    route: str
    body_hash: bytes
    answer: bytes
    expires_ms: int


class UserStore(Protocol):
    async def create(self, user: User, outbox: Sequence[OutboxRecord]) -> None:
        """Adds a profile; raises Conflict with field `user_id` or `handle` where it is taken.

        Handles are compared without case. Repeated after Unavailable it may meet its own first try,
        as a Conflict over `user_id`.
        """
        ...

    async def get_many(self, user_ids: Sequence[int]) -> Mapping[int, User]:
        """Profiles by id, at most 1,000 a call; unknown ids are absent."""
        ...


class Followees(NamedTuple):
    """Whom a user follows: sorted ids, and the version of the newest change among them."""

    ids: Ids
    ver: int


class GraphStore(Protocol):
    async def set_follow(
        self, follower: UserId, followee: UserId, *, on: bool, ver: int, outbox: Sequence[OutboxRecord]
    ) -> bool:
        """Follows or unfollows; True where that changed anything.

        The state of an edge is that of its highest `ver`, and so is the highest `ver` that is told
        of. Without a change the outbox records are not published.
        """
        ...

    async def followees(self, user: UserId) -> Followees: ...

    async def follower_page(self, user: UserId, *, after: int, limit: int) -> Ids:
        """Followers with ids above `after`, ascending: int64 [<= limit]; empty at the end."""
        ...


class TweetStore(Protocol):
    async def create(
        self, tweet: Tweet, idempotency: IdempotentAnswer | None, outbox: Sequence[OutboxRecord]
    ) -> IdempotentAnswer | None:
        """Adds a tweet, its idempotency row and its events as one.

        Where the author used the same, unexpired key before, nothing new is written and the first
        answer comes back; None means that this call wrote.
        """
        ...

    async def idempotent_answer(self, user: UserId, key: str, now_ms: int) -> IdempotentAnswer | None:
        """What the key was first used for. The tweet that it answers for is there.

        Where the first call died over it, this one finishes it; so it may raise Unavailable.
        """
        ...

    async def get_many(self, tweet_ids: Sequence[int]) -> Mapping[int, Tweet]:
        """Tweets by id, at most 1,000 a call; unknown ids are absent."""
        ...

    async def newest_ids(self, authors: Ids, *, before: int | None, limit: int) -> Ids:
        """The newest tweets of all these authors together: int64 [<= limit], newest first, below `before`."""
        ...


class EngagementStore(Protocol):
    async def set_like(
        self, user: UserId, tweet: TweetId, *, on: bool, ver: int, outbox: Sequence[OutboxRecord]
    ) -> bool:
        """Likes or unlikes; True where that changed anything. The highest `ver` decides."""
        ...


class Versioned(NamedTuple):
    """A control document and the version to name when changing it."""

    value: bytes
    version: int


class MachineLease(NamedTuple):
    """A machine number held for a while, and the last millisecond its former holder minted in."""

    datacenter: int
    machine: int
    last_ms: int


class ControlStore(Protocol):
    """Small documents that steer the processes: aliases, objectives, leases, id mappings."""

    async def get(self, key: str) -> Versioned | None: ...

    async def compare_and_set(self, key: str, value: bytes, *, expected: int) -> bool:
        """Writes version `expected + 1` where the version is still `expected` (0: not there).

        False after Unavailable may be the call's own first try: read, and compare the value.
        """
        ...

    async def lease_machine(self, owner: str, *, now_ms: int, ttl_ms: int) -> MachineLease:
        """Takes a machine number that nobody holds; raises Unavailable where all are held."""
        ...

    async def renew_machine(self, owner: str, *, now_ms: int, ttl_ms: int, last_ms: int) -> bool:
        """Prolongs the owner's lease; False where it is no longer the owner's."""
        ...

    async def release_machine(self, owner: str, *, last_ms: int) -> None: ...

    async def map_external_ids(
        self, namespace: str, external_ids: Sequence[str], mint: Callable[[int], int]
    ) -> Ids:
        """Our ids for someone else's: int64 [n], the stored ones, else `mint(position)`.

        `mint` must not return an id that is mapped already.
        """
        ...
