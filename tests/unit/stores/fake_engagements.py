"""Likes, retweets and replies in memory: rows by bucket, and what was counted of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence

from core.errors import Unavailable
from core.ids import TweetId, UserId
from stores.buckets import bucket_of
from stores.ports import Bucket, CountKind, Counts, IdempotentAnswer, OutboxRecord, Written


class FakeEngagementStore:
    """As Cassandra does it: `counts` are of when each bucket was last counted.

    `after_read` holds what happens after the next reads of counts, one step a read, in order.
    """

    def __init__(self) -> None:
        self.rows: dict[Bucket, dict[int, bool]] = {}
        self.counted: dict[Bucket, int] = {}
        self.recounts: Counter[Bucket] = Counter()
        self.asked: list[list[int]] = []
        self.after_read: list[Callable[[], Awaitable[None]]] = []
        self.away = False

    def add(self, tweet: int, kind: CountKind, *members: int, on: bool = True) -> None:
        for member in members:
            self.rows.setdefault(Bucket(tweet, kind, bucket_of(member)), {})[member] = on

    def truth(self, tweet: int) -> Counts:
        return _summed(tweet, {bucket: sum(rows.values()) for bucket, rows in self.rows.items()})

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
        self.add(tweet, "likes", user, on=on)
        return Written(True)

    async def has_liked(self, user: UserId, tweet: TweetId) -> bool:
        self._answer()
        return any(
            rows.get(user, False)
            for bucket, rows in self.rows.items()
            if bucket.tweet == tweet and bucket.kind == "likes"
        )

    async def recount(self, buckets: Sequence[Bucket]) -> None:
        self._answer()
        for bucket in buckets:
            self.recounts[bucket] += 1
            self.counted[bucket] = sum(self.rows.get(bucket, {}).values())

    async def counts(self, tweet_ids: Sequence[int]) -> Mapping[int, Counts]:
        self._answer()
        self.asked.append(list(tweet_ids))
        found = {tweet_id: _summed(tweet_id, self.counted) for tweet_id in tweet_ids}
        if self.after_read:
            await self.after_read.pop(0)()
        return found

    def _answer(self) -> None:
        if self.away:
            raise Unavailable("the store is away")


def _summed(tweet: int, counted: Mapping[Bucket, int]) -> Counts:
    by_kind: Counter[str] = Counter()
    for bucket, count in counted.items():
        if bucket.tweet == tweet:
            by_kind[bucket.kind] += count
    return Counts(by_kind["likes"], by_kind["retweets"], by_kind["replies"])
