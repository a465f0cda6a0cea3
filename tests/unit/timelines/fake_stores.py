"""Stores in memory: tweets and follows, with a place to step in between while they are read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import numpy as np

from core.errors import Unavailable
from core.ids import TweetId, UserId
from core.types import Tweet
from stores.ports import (
    Deletion,
    FollowCounts,
    Followees,
    FollowEnded,
    Hidden,
    IdempotentAnswer,
    Ids,
    OutboxRecord,
    Posted,
    Written,
)

Step = Callable[[], Awaitable[None]]


class FakeTweetStore:
    """`after_read` holds what happens after the next reads of ids, one step a read, in order."""

    def __init__(self) -> None:
        self.tweets: dict[int, Tweet] = {}
        self.deleted: dict[int, Deletion] = {}
        self.after_read: list[Step] = []
        self.away = False
        self.reads = 0

    def add(self, author: int, *tweet_ids: int) -> None:
        for tweet_id in tweet_ids:
            self.tweets[tweet_id] = Tweet(TweetId(tweet_id), UserId(author), f"tweet {tweet_id}", 1_000)

    async def create(
        self, tweet: Tweet, idempotency: IdempotentAnswer | None, outbox: Sequence[OutboxRecord]
    ) -> Posted:
        if tweet.tweet_id not in self.deleted:
            self.tweets[tweet.tweet_id] = tweet
        return Posted()

    async def delete(
        self,
        tweet: Tweet,
        *,
        ver: int,
        outbox: Sequence[OutboxRecord],
        idempotency: IdempotentAnswer | None = None,
    ) -> Written:
        changed = tweet.tweet_id not in self.deleted
        self.deleted.setdefault(tweet.tweet_id, Deletion(tweet.author_id, ver))
        self.tweets.pop(tweet.tweet_id, None)
        return Written(changed)

    async def get_many(self, tweet_ids: Sequence[int]) -> Mapping[int, Tweet]:
        self._answer()
        return {tweet_id: self.tweets[tweet_id] for tweet_id in tweet_ids if tweet_id in self.tweets}

    async def deletions(self, tweet_ids: Sequence[int]) -> Mapping[int, Deletion]:
        self._answer()
        return {tweet_id: self.deleted[tweet_id] for tweet_id in tweet_ids if tweet_id in self.deleted}

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

    async def retweets_since(
        self, originals: Sequence[int], authors: Ids, *, since: int
    ) -> Mapping[int, Ids]:
        self._answer()
        found: dict[int, list[int]] = {}
        for tweet in self.tweets.values():
            original = tweet.retweet_of
            if original in originals and tweet.tweet_id >= since and tweet.author_id in authors:
                assert original is not None
                found.setdefault(original, []).append(tweet.tweet_id)
        return {original: np.array(ids, np.int64) for original, ids in found.items()}

    def _answer(self) -> None:
        self.reads += 1
        if self.away:
            raise Unavailable("the store is away")


Edges = dict[int, dict[int, tuple[bool, int]]]
"""(on, version) by one end and the other."""


class FakeGraphStore:
    """Edges by follower, blocker and muter; a change has the version that it was made with."""

    def __init__(self) -> None:
        self.edges: Edges = {}
        self.blocks: Edges = {}
        self.mutes: Edges = {}
        self.after_read: list[Step] = []
        self.away = False
        self.pages = 0
        self.followee_reads = 0

    def follow(self, follower: int, *followees: int, ver: int = 1, on: bool = True) -> None:
        for followee in followees:
            self.edges.setdefault(follower, {})[followee] = (on, ver)

    def block(self, user: int, *others: int, ver: int = 1, on: bool = True) -> None:
        for other in others:
            self.blocks.setdefault(user, {})[other] = (on, ver)

    def mute(self, user: int, *others: int, ver: int = 1, on: bool = True) -> None:
        for other in others:
            self.mutes.setdefault(user, {})[other] = (on, ver)

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
        self.follow(follower, followee, ver=ver, on=on)
        return Written(True)

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
        self.block(user, other, ver=ver, on=on)
        for follower, followee in ((user, other), (other, user)) if on else ():
            if self.edges.get(follower, {}).get(followee, (False, 0))[0]:
                self.follow(follower, followee, ver=ver, on=False)
        return Written(True)

    async def set_mute(
        self,
        user: UserId,
        other: UserId,
        *,
        on: bool,
        ver: int,
        outbox: Sequence[OutboxRecord],
        idempotency: IdempotentAnswer | None = None,
    ) -> Written:
        self.mute(user, other, ver=ver, on=on)
        return Written(True)

    async def followees(self, user: UserId) -> Followees:
        self._answer()
        self.followee_reads += 1
        edges = self.edges.get(user, {})
        found = Followees(_on(edges), max((ver for _, ver in edges.values()), default=0))
        if self.after_read:
            await self.after_read.pop(0)()
        return found

    async def follower_page(self, user: UserId, *, after: int, limit: int) -> Ids:
        self._answer()
        self.pages += 1
        followers = self._from(self.edges, user)
        return followers[followers > after][:limit]

    async def follow_counts(self, user: UserId, *, followers_up_to: int) -> FollowCounts:
        self._answer()
        followers = self._from(self.edges, user).size
        return FollowCounts(_on(self.edges.get(user, {})).size, min(followers, followers_up_to))

    async def hidden(self, viewer: UserId) -> Hidden:
        self._answer()
        blocks, mutes = self.blocks.get(viewer, {}), self.mutes.get(viewer, {})
        against = [edges[viewer] for edges in self.blocks.values() if viewer in edges]
        found = Hidden(
            np.union1d(_on(blocks), self._from(self.blocks, viewer)),
            _on(mutes),
            max((ver for _, ver in (*blocks.values(), *against, *mutes.values())), default=0),
        )
        if self.after_read:
            await self.after_read.pop(0)()
        return found

    async def is_blocked(self, a: UserId, b: UserId) -> bool:
        self._answer()
        return any(self.blocks.get(x, {}).get(y, (False, 0))[0] for x, y in ((a, b), (b, a)))

    def _from(self, edges: Edges, end: int) -> Ids:
        """Whose edges lead to `end`, ascending."""
        return np.array(sorted(a for a, to in edges.items() if to.get(end, (False, 0))[0]), np.int64)

    def _answer(self) -> None:
        if self.away:
            raise Unavailable("the store is away")


def _on(edges: Mapping[int, tuple[bool, int]]) -> Ids:
    return np.array(sorted(b for b, (on, _) in edges.items() if on), np.int64)
