"""Filling a page: hydrate and filter along an order until enough is left, whatever was dropped.

Where patience with the store runs out, the page is made of what the caches have, and ends where the
store would have to say what follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from core.types import Tweet, User
from ranking.candidate import Candidates, Hydrated
from ranking.filters import Filter, visible
from ranking.patience import Patience
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

    async def along(self, ids: Ids, timeline: Timeline, want: int, patience: Patience) -> list[Shown]:
        """The first `want` tweets of `ids` (int64 [n]) that may be shown, in that order."""
        shown: list[Shown] = []
        begin = 0
        while len(shown) < want and begin < len(ids):
            part = ids[begin : begin + max(want - len(shown) + _SPARE, _SPARE)]
            found = await self._tweets_of(part, patience)
            left = visible(Hydrated.of(Candidates(part, [""] * len(part)), found), timeline, self._filters)
            authors = await self._users_of(left.authors(), patience)
            places = {tweet_id: begin + i for i, tweet_id in enumerate(part.tolist())}
            for tweet in left.tweets:
                # A tweet whose author has no profile is shown as little as one that is gone.
                if tweet is not None and (author := authors.get(tweet.author_id)) is not None:
                    shown.append(Shown(places[tweet.tweet_id], tweet, author))
            begin += len(part)
        return shown[:want]

    async def in_time_order(
        self, timeline: Timeline, below: int | None, want: int, patience: Patience
    ) -> list[Shown]:
        """The newest `want` tweets below an id: from the list, then from the store to its end."""
        ids = timeline.ids if below is None else timeline.ids[timeline.ids < below]
        shown = await self.along(ids, timeline, want, patience)
        bound = int(ids[-1]) if len(ids) else below
        while len(shown) < want:
            missing = want - len(shown)
            older = await self._older(timeline, bound, missing + _SPARE, patience)
            if not len(older):
                break
            shown += await self.along(older, timeline, missing, patience)
            bound = int(older[-1])
        return shown

    async def _tweets_of(self, ids: Ids, patience: Patience) -> Mapping[int, Tweet]:
        wanted = ids.tolist()
        return await patience.ask(lambda: self._tweets.get_many(wanted), lambda: self._tweets.at_hand(wanted))

    async def _users_of(self, ids: Ids, patience: Patience) -> Mapping[int, User]:
        wanted = np.unique(ids).tolist()
        return await patience.ask(lambda: self._users.get_many(wanted), lambda: self._users.at_hand(wanted))

    async def _older(self, timeline: Timeline, before: int | None, limit: int, patience: Patience) -> Ids:
        async def nothing() -> Ids:
            return np.empty(0, np.int64)

        return await patience.ask(
            lambda: self._timelines.older(timeline, before=before, limit=limit), nothing
        )
