"""What retweets retweet, as it was seen here: that never changes, so both are asked for at once.

Only which tweet it is. Whether either may be shown is asked of the caches each time.
"""

from __future__ import annotations

from collections.abc import Iterable

from core.types import Tweet

CAPACITY = 100_000
"""10 MB. Whose original is forgotten costs a round trip more, once."""


class KnownOriginals:
    def __init__(self, *, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._originals: dict[int, int] = {}

    def note(self, tweet: Tweet) -> None:
        if tweet.retweet_of is None or tweet.tweet_id in self._originals:
            return
        if len(self._originals) >= self._capacity:
            self._originals.clear()
        self._originals[tweet.tweet_id] = tweet.retweet_of

    def of(self, tweet_ids: Iterable[int]) -> list[int]:
        originals = self._originals
        return [originals[one] for one in tweet_ids if one in originals]
