"""Tweets, replies and retweets, and what was deleted of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from core.ids import UserId
from core.types import Tweet
from stores.ports.records import IdempotentAnswer, Ids, OutboxRecord, Written


class Deletion(NamedTuple):
    """Whose tweet it was, and the version of its deletion."""

    author_id: UserId
    ver: int


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of a new tweet: written where both are None.

    `first` is what the key was first used for; `retweet` the author's retweet of the same original
    that stands already, which is what the caller then answers with. Neither wrote anything.
    """

    first: IdempotentAnswer | None = None
    retweet: Tweet | None = None


class TweetStore(Protocol):
    async def create(
        self, tweet: Tweet, idempotency: IdempotentAnswer | None, outbox: Sequence[OutboxRecord]
    ) -> Posted:
        """Adds a tweet, its edges as a reply or retweet, its idempotency row and its events as one.

        An author has at most one retweet of an original; deleted, it makes room for another. That
        `retweet_of` is no retweet itself is the caller's care.
        """
        ...

    async def delete(
        self,
        tweet: Tweet,
        *,
        ver: int,
        outbox: Sequence[OutboxRecord],
        idempotency: IdempotentAnswer | None = None,
    ) -> Written:
        """Deletes softly, edges included, for good: whatever is repeated, the tweet stays deleted.

        `ver` is at least the tweet's id + 1. It need not be there yet: its creation then adds nothing.
        """
        ...

    async def get_many(self, tweet_ids: Sequence[int]) -> Mapping[int, Tweet]:
        """Tweets by id, at most 1,000 a call; unknown and deleted ones are absent."""
        ...

    async def deletions(self, tweet_ids: Sequence[int]) -> Mapping[int, Deletion]:
        """Which of these, at most 1,000 a call, were deleted; those that are there are absent."""
        ...

    async def newest_ids(self, authors: Ids, *, before: int | None, limit: int) -> Ids:
        """The newest tweets of all these authors together: int64 [<= limit], newest first, below `before`.

        Deleted ones are not among them. Fewer than `limit` are all that there are.
        """
        ...

    async def retweets_since(
        self, originals: Sequence[int], authors: Ids, *, since: int
    ) -> Mapping[int, Ids]:
        """The retweets of each original by these authors with ids from `since` on, deleted ones apart.

        Ids as int64 [n] in no order, one an author at most; originals without any are absent. At most
        1,000 originals a call. An original that millions retweeted costs no more than one look at each
        author.
        """
        ...
