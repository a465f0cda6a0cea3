"""Stores in memory: tweets and follows, with a place to step in between while they are read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import numpy as np

from core.errors import Unavailable
from core.ids import TweetId, UserId
from core.types import Tweet
from stores.ports import Followees, IdempotentAnswer, Ids, OutboxRecord

Step = Callable[[], Awaitable[None]]


class FakeTweetStore:
    """`after_read` holds what happens after the next reads of ids, one step a read, in order."""

    def __init__(self) -> None:
        self.tweets: dict[int, Tweet] = {}
        self.after_read: list[Step] = []
        self.away = False
        self.reads = 0

    def add(self, author: int, *tweet_ids: int) -> None:
        for tweet_id in tweet_ids:
            self.tweets[tweet_id] = Tweet(TweetId(tweet_id), UserId(author), f"tweet {tweet_id}", 1_000)

    async def create(
        self, tweet: Tweet, idempotency: IdempotentAnswer | None, outbox: Sequence[OutboxRecord]
    ) -> IdempotentAnswer | None:
        self.tweets[tweet.tweet_id] = tweet
        return None

    async def idempotent_answer(self, user: UserId, key: str, now_ms: int) -> IdempotentAnswer | None:
        return None

    async def get_many(self, tweet_ids: Sequence[int]) -> Mapping[int, Tweet]:
        self._answer()
        return {tweet_id: self.tweets[tweet_id] for tweet_id in tweet_ids if tweet_id in self.tweets}

    async def newest_ids(self, authors: Ids, *, before: int | None, limit: int) -> Ids:
        self._answer()
        wanted = set(authors.tolist())
        ids = sorted(
            (
                tweet.tweet_id
                for tweet in self.tweets.values()
                if tweet.author_id in wanted and (before is None or tweet.tweet_id < before)
            ),
            reverse=True,
        )
        found = np.array(ids[:limit], np.int64)
        if self.after_read:
            await self.after_read.pop(0)()
        return found

    def _answer(self) -> None:
        self.reads += 1
        if self.away:
            raise Unavailable("the store is away")


class FakeGraphStore:
    """Edges by follower; a change has the version that it was made with."""

    def __init__(self) -> None:
        self.edges: dict[int, dict[int, tuple[bool, int]]] = {}
        self.after_read: list[Step] = []
        self.away = False
        self.pages = 0

    def follow(self, follower: int, *followees: int, ver: int = 1, on: bool = True) -> None:
        for followee in followees:
            self.edges.setdefault(follower, {})[followee] = (on, ver)

    async def set_follow(
        self, follower: UserId, followee: UserId, *, on: bool, ver: int, outbox: Sequence[OutboxRecord]
    ) -> bool:
        self.follow(follower, followee, ver=ver, on=on)
        return True

    async def followees(self, user: UserId) -> Followees:
        self._answer()
        edges = self.edges.get(user, {})
        ids = sorted(followee for followee, (on, _) in edges.items() if on)
        found = Followees(np.array(ids, np.int64), max((ver for _, ver in edges.values()), default=0))
        if self.after_read:
            await self.after_read.pop(0)()
        return found

    async def follower_page(self, user: UserId, *, after: int, limit: int) -> Ids:
        self._answer()
        self.pages += 1
        followers = sorted(
            follower
            for follower, edges in self.edges.items()
            if follower > after and edges.get(user, (False, 0))[0]
        )
        return np.array(followers[:limit], np.int64)

    def _answer(self) -> None:
        if self.away:
            raise Unavailable("the store is away")
