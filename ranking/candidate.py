"""Candidates on their way through the pipeline: parallel arrays, one place per tweet."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from operator import attrgetter

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.types import Tweet
from stores.ports import Ids
from stores.tweet_cache import LiveTweet

TIMELINE_SOURCE = "timeline"
"""The source of what the viewer's network wrote, and of all that comes without one."""
POPULAR_SOURCE = "popular"


def root_id(tweet: Tweet) -> int:
    """What a tweet is about: itself, or what it retweets."""
    return tweet.tweet_id if tweet.retweet_of is None else tweet.retweet_of


class Item(msgspec.Struct, frozen=True, array_like=True):
    """A tweet in a feed, and its root: itself, or the one that it retweets."""

    tweet: Tweet
    root: LiveTweet


_told = attrgetter("tweet.author_id", "root.tweet.tweet_id", "root.tweet.author_id")
"""Of an item: who wrote it, its root, who wrote that."""
_NOTHING = (0, 0, 0)


class Candidates(msgspec.Struct, frozen=True):
    """Ids as their sources found them, each source's own in its order: int64 [n], and the source of each."""

    ids: Ids
    sources: list[str]

    def __len__(self) -> int:
        return len(self.ids)


class Hydrated(msgspec.Struct, frozen=True):
    """Candidates with their tweets.

    `items[i]` is None where the tweet, or what it retweets, does not exist any more; the arrays, int64
    [n], have 0 there. `authors` wrote the tweets, `root_authors` the roots, whose ids are `roots`.
    """

    ids: Ids
    sources: list[str]
    items: list[Item | None]
    authors: Ids
    roots: Ids
    root_authors: Ids

    @classmethod
    def of(cls, candidates: Candidates, found: Mapping[int, Item]) -> Hydrated:
        items = [found.get(tweet_id) for tweet_id in candidates.ids.tolist()]
        told = [_NOTHING if one is None else _told(one) for one in items]
        columns = np.fromiter(chain.from_iterable(told), np.int64, 3 * len(told)).reshape(-1, 3).T
        return cls(candidates.ids, candidates.sources, items, *columns)

    def __len__(self) -> int:
        return len(self.ids)

    def recommended(self) -> NDArray[np.bool_]:
        """bool [n]: which of them come from elsewhere than the viewer's network."""
        if self.sources.count(TIMELINE_SOURCE) == len(self.sources):
            return np.zeros(len(self), np.bool_)
        return np.fromiter((source != TIMELINE_SOURCE for source in self.sources), np.bool_, len(self))

    def keep(self, mask: NDArray[np.bool_]) -> Hydrated:
        """The candidates where `mask` (bool [n]) is true, in the same order."""
        if mask.all():
            return self
        return self.take(np.flatnonzero(mask))

    def take(self, order: NDArray[np.intp]) -> Hydrated:
        """The candidates at these places, in this order."""
        places = order.tolist()
        return Hydrated(
            self.ids[order],
            [self.sources[i] for i in places],
            [self.items[i] for i in places],
            self.authors[order],
            self.roots[order],
            self.root_authors[order],
        )
