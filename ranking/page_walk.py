"""Filling a page: hydrate and filter along an order until enough is left, whatever was dropped.

Where patience with the store runs out, the page is made of what the caches have, and ends where the
store would have to say what follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.types import Tweet, User
from ranking.candidate import TIMELINE_SOURCE, Candidates, Hydrated
from ranking.filters import Filter, visible
from ranking.hydrators import hydrate
from ranking.one_a_root import OneARoot
from ranking.patience import Patience
from stores.ports import Ids
from stores.tweet_cache import LiveTweet, TweetCache
from stores.user_cache import UserCache
from timelines.reader import Timeline, TimelineReader

_SPARE = 4
"""Ids hydrated beyond those wanted, so that a few dropped ones cost no second round trip."""
_MOST = 200
"""Ids hydrated at once. Each further part of a walk is twice as long: where nobody is followed any more
of whom the list is full, the way to its end is a few round trips."""


class Shown(msgspec.Struct, frozen=True, array_like=True):
    """A tweet that may be shown, with its place in the order that was walked.

    `root` is the tweet itself or what it retweets, `root_author` who wrote that.
    """

    place: int
    tweet: Tweet
    author: User
    root: LiveTweet
    root_author: User
    source: str = TIMELINE_SOURCE


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

    def once(
        self,
        timeline: Timeline,
        patience: Patience,
        *,
        above: int | None,
        top: int,
        shown: Iterable[int] = (),
    ) -> OneARoot:
        """For one page that begins below `above`, in a scroll that began at `top` and has `shown` roots."""
        return OneARoot(
            self._tweets,
            self._timelines,
            self._filters,
            timeline,
            patience,
            above=above,
            top=top,
            shown=shown,
        )

    async def along(
        self,
        ids: Ids,
        timeline: Timeline,
        want: int,
        patience: Patience,
        once: OneARoot | None = None,
        sources: Sequence[str] | None = None,
        at_hand: Hydrated | None = None,
    ) -> list[Shown]:
        """The first `want` tweets of `ids` (int64 [n]) that may be shown, in that order.

        With `once` none whose root is shown already; without, the ids have one each. `sources` has one for
        each id; without it all are the timeline's. `at_hand` are these very tweets where this request has
        read them and filtered them already.
        """
        if sources is None:
            sources = [TIMELINE_SOURCE] * len(ids)
        shown: list[Shown] = []
        begin = 0
        size = want + _SPARE
        while len(shown) < want and begin < len(ids):
            part = ids[begin : begin + size]
            wanted = part.tolist()
            if at_hand is not None:
                left = at_hand.take(np.arange(begin, begin + len(part)))
            else:
                candidates = Candidates(part, list(sources[begin : begin + size]))
                left = await self._visible(candidates, timeline, patience)
            authors = await self._users_of(left, patience)
            left = left.keep(_with_profiles(left, authors))
            if once is not None:
                left = await once.of(left)
            places = {tweet_id: begin + i for i, tweet_id in enumerate(wanted)}
            for item, source in zip(left.items, left.sources, strict=True):
                assert item is not None  # the filters leave none that is gone
                tweet, root = item.tweet, item.root
                author, root_author = authors[tweet.author_id], authors[root.tweet.author_id]
                shown.append(Shown(places[tweet.tweet_id], tweet, author, root, root_author, source))
            begin += len(part)
            size = min(2 * size, max(_MOST, size))
        return shown[:want]

    async def in_time_order(
        self, timeline: Timeline, below: int | None, want: int, patience: Patience, once: OneARoot
    ) -> list[Shown]:
        """The newest `want` tweets below an id: from the list, then from the store to its end."""
        ids = timeline.ids if below is None else timeline.ids[timeline.ids < below]
        shown = await self.along(ids, timeline, want, patience, once)
        if timeline.cut and len(shown) < want:
            ids = await self._timelines.rest(timeline)
            shown += await self.along(ids, timeline, want - len(shown), patience, once)
            ids = ids if len(ids) else timeline.ids
        bound = int(ids[-1]) if len(ids) else below
        while len(shown) < want:
            missing = want - len(shown)
            older = await self._older(timeline, bound, missing + _SPARE, patience)
            if not len(older):
                break
            shown += await self.along(older, timeline, missing, patience, once)
            bound = int(older[-1])
        return shown

    async def _visible(self, candidates: Candidates, timeline: Timeline, patience: Patience) -> Hydrated:
        ids = candidates.ids.tolist()
        foreseen = self._tweets.known_originals(ids)
        found = await hydrate(ids, lambda ids: self._live(ids, patience), foreseen)
        return visible(Hydrated.of(candidates, found), timeline, self._filters)

    async def _live(self, ids: Sequence[int], patience: Patience) -> Mapping[int, LiveTweet]:
        return await patience.ask(lambda: self._tweets.get_live(ids), lambda: self._tweets.at_hand_live(ids))

    async def _users_of(self, candidates: Hydrated, patience: Patience) -> Mapping[int, User]:
        wanted = list({*candidates.authors.tolist(), *candidates.root_authors.tolist()})
        # Most pages need nobody new, and a bound on a wait that there is not takes longer than this.
        if (known := self._users.fresh(wanted)) is not None:
            return known
        return await patience.ask(lambda: self._users.get_many(wanted), lambda: self._users.at_hand(wanted))

    async def _older(self, timeline: Timeline, before: int | None, limit: int, patience: Patience) -> Ids:
        async def nothing() -> Ids:
            return np.empty(0, np.int64)

        return await patience.ask(
            lambda: self._timelines.older(timeline, before=before, limit=limit), nothing
        )


def _with_profiles(candidates: Hydrated, users: Mapping[int, User]) -> NDArray[np.bool_]:
    """bool [n]: a tweet whose author has no profile is shown as little as one that is gone."""
    pairs = zip(candidates.authors.tolist(), candidates.root_authors.tolist(), strict=True)
    return np.fromiter((a in users and b in users for a, b in pairs), np.bool_, len(candidates))
