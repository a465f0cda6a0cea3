"""What the product has acknowledged: follows, tweets, likes, answers, retweets, deletions.

The truth that its feeds and counts are compared with. People are the simulation's indices, tweets the
product's ids.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import NamedTuple


class Counted(NamedTuple):
    """What is counted of one tweet."""

    likes: int
    retweets: int
    replies: int


class Ledger:
    """Starts empty; a past is entered like what comes live."""

    def __init__(self) -> None:
        self.followees: defaultdict[int, set[int]] = defaultdict(set)
        self.deleted: set[int] = set()
        self.touched: set[int] = set()
        """Tweets whose counts changed since `begin_counting`."""
        self._by_author: defaultdict[int, set[int]] = defaultdict(set)
        self._own: defaultdict[int, dict[int, int]] = defaultdict(dict)
        self._likers: defaultdict[int, set[int]] = defaultdict(set)
        self._replies = Counter[int]()
        self._retweets = Counter[int]()

    def followed(self, viewer: int, author: int) -> None:
        self.followees[viewer].add(author)

    def posted(self, author: int, tweet_id: int) -> None:
        self._by_author[author].add(tweet_id)

    def liked(self, viewer: int, tweet_id: int) -> None:
        self._likers[tweet_id].add(viewer)
        self.touched.add(tweet_id)

    def unliked(self, viewer: int, tweet_id: int) -> None:
        self._likers[tweet_id].discard(viewer)
        self.touched.add(tweet_id)

    def likes(self, viewer: int, tweet_id: int) -> bool:
        return viewer in self._likers[tweet_id]

    def replied(self, viewer: int, tweet_id: int, reply_id: int) -> None:
        self._own[viewer][reply_id] = reply_id
        self._replies[tweet_id] += 1
        self.touched.add(tweet_id)

    def retweeted(self, viewer: int, tweet_id: int, retweet_id: int) -> None:
        """A retweet stands for its original in the viewer's own feed."""
        self._own[viewer][tweet_id] = retweet_id
        self._retweets[tweet_id] += 1
        self.touched.add(tweet_id)

    def has_retweeted(self, viewer: int, tweet_id: int) -> bool:
        return tweet_id in self._own[viewer]

    def delete(self, tweet_id: int) -> None:
        self.deleted.add(tweet_id)

    def begin_counting(self) -> None:
        """What was entered so far is the past, and needs no looking at."""
        self.touched.clear()

    def newest_of(self, author: int) -> int | None:
        """The author's newest tweet that stands."""
        return max(self._by_author[author] - self.deleted, default=None)

    def feed_of(self, viewer: int) -> set[int]:
        """All that a viewer's chronological feed holds, to its end."""
        posted = {one: one for author in self.followees[viewer] for one in self._by_author[author]}
        stands = posted | self._own[viewer]
        return {own for of, own in stands.items() if of not in self.deleted}

    def counted(self, tweet_id: int) -> Counted:
        likes = len(self._likers[tweet_id])
        return Counted(likes, self._retweets[tweet_id], self._replies[tweet_id])
