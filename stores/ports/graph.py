"""Who follows, blocks and mutes whom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from core.ids import UserId
from stores.ports.records import IdempotentAnswer, Ids, OutboxRecord, Written


class Followees(NamedTuple):
    """Whom a user follows: sorted ids, and the version of the newest change among them."""

    ids: Ids
    ver: int


class FollowCounts(NamedTuple):
    followees: int
    followers: int


class Hidden(NamedTuple):
    """Whom a viewer does not see: sorted ids, and the version of the newest change among them.

    `blocked` are those whom the viewer blocks and those who block the viewer.
    """

    blocked: Ids
    muted: Ids
    ver: int


FollowEnded = Callable[[UserId, UserId, int], OutboxRecord]
"""The event of a follow (follower, followee) that ended at a version."""


class GraphStore(Protocol):
    """Follows, blocks and mutes: edges whose state is that of their highest `ver`.

    So is the highest `ver` that is told of. Without a change the outbox records are not published. A
    change that is not above what stands is answered `behind`.
    """

    async def set_follow(
        self,
        follower: UserId,
        followee: UserId,
        *,
        on: bool,
        ver: int,
        outbox: Sequence[OutboxRecord],
        idempotency: IdempotentAnswer | None = None,
    ) -> Written:
        """Follows or unfollows; Forbidden where one is to follow whom they block, or who blocks them.

        A block at the very same time ends the follow that it did not forbid.
        """
        ...

    async def set_block(
        self,
        user: UserId,
        other: UserId,
        *,
        on: bool,
        ver: int,
        outbox: Sequence[OutboxRecord],
        ended: FollowEnded,
        idempotency: IdempotentAnswer | None = None,
    ) -> Written:
        """Blocks or unblocks. A block ends the follows of the two, either way, in the same write.

        Those that it ended are told of by `ended`, with a version above that of the follow and not
        below `ver`. An unblock brings none of them back.
        """
        ...

    async def set_mute(
        self,
        user: UserId,
        other: UserId,
        *,
        on: bool,
        ver: int,
        outbox: Sequence[OutboxRecord],
        idempotency: IdempotentAnswer | None = None,
    ) -> Written: ...

    async def followees(self, user: UserId) -> Followees: ...

    async def follower_page(self, user: UserId, *, after: int, limit: int) -> Ids:
        """Followers with ids above `after`, ascending: int64 [<= limit]; empty at the end."""
        ...

    async def follow_counts(self, user: UserId, *, followers_up_to: int) -> FollowCounts:
        """How many the user follows, and by how many they are followed; of these no more are counted."""
        ...

    async def hidden(self, viewer: UserId) -> Hidden: ...

    async def is_blocked(self, a: UserId, b: UserId) -> bool:
        """Whether one of the two blocks the other."""
        ...
