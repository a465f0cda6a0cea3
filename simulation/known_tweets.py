"""Which tweet of the product is which of the simulation: ids of theirs, truths of ours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulation.taste import Chances, Deeds
from simulation.tweets import Ints, Tweets
from simulation.world import World


class KnownTweets:
    """Grows with what is posted. An id that it does not know, a reply for instance, has no truth."""

    def __init__(self, world: World, ids: Ints, tweets: Tweets) -> None:
        self._world = world
        self._tweets = tweets
        self._rows = {one: row for row, one in enumerate(ids.tolist())}

    def __contains__(self, tweet_id: int) -> bool:
        return tweet_id in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, ids: Ints, tweets: Tweets) -> None:
        """Tweets that were posted, under the ids that they were given."""
        self._rows |= {one: len(self._tweets) + row for row, one in enumerate(ids.tolist())}
        self._tweets = self._tweets.joined(tweets)

    def of(self, ids: Sequence[int]) -> Tweets:
        """The tweets of known ids, in their order. Raises KeyError for any other."""
        return self._tweets.take(np.array([self._rows[one] for one in ids], np.int64))

    def author_of(self, tweet_id: int) -> int:
        """The author's index."""
        return int(self._tweets.authors[self._rows[tweet_id]])

    def chances(self, viewer: int, ids: Sequence[int], now_ms: int) -> Chances:
        """What looks of one viewer at known ids [n] may lead to."""
        return self._world.taste.chances(*self._looks(viewer, ids, now_ms))

    def deeds(self, viewer: int, ids: Sequence[int], now_ms: int, session: int) -> Deeds:
        """What they do lead to."""
        return self._world.taste.deeds(*self._looks(viewer, ids, now_ms), session)

    def _looks(self, viewer: int, ids: Sequence[int], now_ms: int) -> tuple[Ints, Tweets, Ints]:
        return np.full(len(ids), viewer), self.of(ids), np.full(len(ids), now_ms)
