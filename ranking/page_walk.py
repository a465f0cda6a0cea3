"""Filling a page: hydrate and filter along an order until enough is left, whatever was dropped."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from core.types import Tweet, User
from ranking.candidate import Candidates, Hydrated
from ranking.filters import Filter, visible
from stores.ports import Ids
from stores.tweet_cache import TweetCache
from stores.user_cache import UserCache
from timelines.reader import Timeline, TimelineReader

_SPARE = 8
"""Ids hydrated beyond those wanted, so that a few dropped ones cost no second round trip."""


class Shown(NamedTuple):
    """A tweet that may be shown, with its place in the order that was walked."""

    place: int
    tweet: Tweet
    author: User


class PageWalk:
    def __init__(
        self,
        tweets: TweetCache,
        users: UserCache,
        timelines: TimelineReader,
        filters: tuple[Filter, ...],
    ) -> None:
        self._tweets = tweets
        self._users = users
        self._timelines = timelines
        self._filters = filters

    async def along(self, ids: Ids, timeline: Timeline, want: int) -> list[Shown]:
        """The first `want` tweets of `ids` (int64 [n]) that may be shown, in that order."""
        shown: list[Shown] = []
        begin = 0
        while len(shown) < want and begin < len(ids):
            part = ids[begin : begin + max(want - len(shown) + _SPARE, _SPARE)]
            found = await self._tweets.get_many(part.tolist())
            left = visible(Hydrated.of(Candidates(part, [""] * len(part)), found), timeline, self._filters)
            authors = await self._users.get_many(np.unique(left.authors()).tolist())
            places = {tweet_id: begin + i for i, tweet_id in enumerate(part.tolist())}
            for tweet in left.tweets:
                # A tweet whose author has no profile is shown as little as one that is gone.
                if tweet is not None and (author := authors.get(tweet.author_id)) is not None:
                    shown.append(Shown(places[tweet.tweet_id], tweet, author))
            begin += len(part)
        return shown[:want]

    async def in_time_order(self, timeline: Timeline, below: int | None, want: int) -> list[Shown]:
        """The newest `want` tweets below an id: from the list, then from the store to its end."""
        ids = timeline.ids if below is None else timeline.ids[timeline.ids < below]
        shown = await self.along(ids, timeline, want)
        bound = int(ids[-1]) if len(ids) else below
        while len(shown) < want:
            missing = want - len(shown)
            older = await self._timelines.older(timeline, before=bound, limit=missing + _SPARE)
            if not len(older):
                break
            shown += await self.along(older, timeline, missing)
            bound = int(older[-1])
        return shown
