"""Likes, and what is counted of a tweet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

from core.ids import TweetId, UserId
from stores.ports.records import IdempotentAnswer, OutboxRecord, Written

CountKind = Literal["likes", "retweets", "replies"]


class Bucket(NamedTuple):
    """A sixteenth of what one kind of count is made from; see `stores.buckets.bucket_of`."""

    tweet: int
    kind: CountKind
    number: int


class Counts(NamedTuple):
    likes: int = 0
    retweets: int = 0
    replies: int = 0


class EngagementStore(Protocol):
    async def set_like(
        self,
        user: UserId,
        tweet: TweetId,
        *,
        on: bool,
        ver: int,
        outbox: Sequence[OutboxRecord],
        idempotency: IdempotentAnswer | None = None,
    ) -> Written:
        """Likes or unlikes. The highest `ver` decides; a change that is not above it is `behind`."""
        ...

    async def has_liked(self, user: UserId, tweet: TweetId) -> bool: ...

    async def recount(self, buckets: Sequence[Bucket]) -> None:
        """Counts these buckets anew, from their rows; what lies in others stays as it was counted.

        Of two at once for one bucket, the one that began later stands.
        """
        ...

    async def counts(self, tweet_ids: Sequence[int]) -> Mapping[int, Counts]:
        """Of each tweet, at most 1,000 a call: what its rows were when their buckets were last counted.

        They may be newer than that, where counting is cheap. Every id has an entry.
        """
        ...
