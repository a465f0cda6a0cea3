"""What a home feed reads: tweets, users and timelines in memory, each of which can be taken away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np

from core.errors import Unavailable
from core.ids import UserId
from core.types import Tweet, User
from ranking.candidate import root_id
from stores.ports import Counts, Ids
from stores.tweet_cache import LiveTweet, TweetCache
from stores.user_cache import UserCache
from timelines.layout import CAPACITY
from timelines.reader import Timeline, TimelineReader


class FakeTweets(TweetCache):
    """`cached` are the ids that are at hand while the store is away; a tweet has as many likes as its id.

    Of `hidden` ones there are bodies and no more. `only_cached` says that the store is away for others.
    `asked` are the ids of each call.
    """

    def __init__(self) -> None:
        self.tweets: dict[int, Tweet] = {}
        self.cached: set[int] = set()
        self.hidden: set[int] = set()
        self.only_cached = False
        self.away = False
        self.asked: list[list[int]] = []

    async def get_many(self, tweet_ids: Sequence[int]) -> Mapping[int, Tweet]:
        self.asked.append(list(tweet_ids))
        if self.away or (self.only_cached and not self.cached.issuperset(tweet_ids)):
            raise Unavailable("no tweets")
        return {tweet_id: self.tweets[tweet_id] for tweet_id in tweet_ids if tweet_id in self.tweets}

    async def at_hand(self, tweet_ids: Sequence[int]) -> Mapping[int, Tweet]:
        return {tweet_id: self.tweets[tweet_id] for tweet_id in tweet_ids if tweet_id in self.cached}

    async def get_live(self, tweet_ids: Sequence[int]) -> Mapping[int, LiveTweet]:
        return self._live(await self.get_many(tweet_ids))

    async def at_hand_live(self, tweet_ids: Sequence[int]) -> Mapping[int, LiveTweet]:
        return self._live(await self.at_hand(tweet_ids))

    def known_originals(self, tweet_ids: Iterable[int]) -> list[int]:
        """Of every other one."""
        known = [self.tweets[one].retweet_of for one in tweet_ids if one % 2 and one in self.tweets]
        return [one for one in known if one is not None]

    def _live(self, bodies: Mapping[int, Tweet]) -> dict[int, LiveTweet]:
        return {
            tweet_id: LiveTweet(tweet, Counts(likes=tweet_id))
            for tweet_id, tweet in bodies.items()
            if tweet_id not in self.hidden
        }


class FakeUsers(UserCache):
    def __init__(self) -> None:
        self.users: dict[int, User] = {}

    async def get_many(self, user_ids: Sequence[int]) -> Mapping[int, User]:
        return {user_id: self.users[user_id] for user_id in user_ids if user_id in self.users}

    def fresh(self, user_ids: Iterable[int]) -> None:
        return None

    async def at_hand(self, user_ids: Sequence[int]) -> Mapping[int, User]:
        return await self.get_many(user_ids)


class FakeTimelines(TimelineReader):
    """`listed` are the ids of the list; the store has `tweets`, of whom `authors` may be shown."""

    def __init__(self, tweets: FakeTweets, viewer: int) -> None:
        self._all = tweets
        self.listed: list[int] | None = None
        self.authors: set[int] = {viewer}
        self.blocked: set[int] = set()
        self.muted: set[int] = set()
        self.away = False
        self.slow = False
        self.partial = False
        self.outdated = False
        self.patience: list[float | None] = []
        self.asked_by: list[UserId] = []
        self.origin: Literal["list", "store"] = "list"
        self.fresh_reads = 0
        self.retweets_asked = 0

    async def read(
        self,
        viewer: UserId,
        *,
        fresh: bool = False,
        enough: int | None = None,
        patience_s: float | None = None,
    ) -> Timeline:
        self.fresh_reads += fresh
        self.patience.append(patience_s)
        self.asked_by.append(viewer)
        if self.away:
            raise Unavailable("no timeline")
        if self.slow:
            await asyncio.Event().wait()
        ids = self._list()
        return Timeline(
            viewer,
            ids if enough is None else ids[:enough],
            np.array(sorted(self.authors), np.int64),
            np.array(sorted(self.blocked), np.int64),
            np.array(sorted(self.muted), np.int64),
            self.origin,
            self.partial,
            outdated=self.outdated,
            cut=enough is not None and len(ids) > enough,
        )

    async def rest(self, timeline: Timeline) -> Ids:
        ids = self._list()
        older: Ids = ids[ids < timeline.ids[-1]]
        return older

    def _list(self) -> Ids:
        ids = self._of(self.authors)[:CAPACITY] if self.listed is None else self.listed
        return np.array(sorted(ids, reverse=True), np.int64)

    async def older(self, timeline: Timeline, *, before: int | None, limit: int) -> Ids:
        if self._all.away:
            raise Unavailable("no store")
        ids = [one for one in self._of(set(timeline.authors.tolist())) if before is None or one < before]
        return np.array(ids[:limit], np.int64)

    async def retweets(
        self, timeline: Timeline, originals: Sequence[int], *, since: int
    ) -> Mapping[int, Ids]:
        self.retweets_asked += 1
        if self._all.away:
            raise Unavailable("no store")
        found: dict[int, list[int]] = {}
        for one in self._all.tweets.values():
            original = one.retweet_of
            if original in originals and one.tweet_id >= since and one.author_id in timeline.authors:
                found.setdefault(root_id(one), []).append(one.tweet_id)
        return {original: np.array(ids, np.int64) for original, ids in found.items()}

    def _of(self, authors: set[int]) -> list[int]:
        return sorted(
            (one.tweet_id for one in self._all.tweets.values() if one.author_id in authors), reverse=True
        )
