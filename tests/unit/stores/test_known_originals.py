"""Originals are known by their retweets, as many as there is room for."""

from __future__ import annotations

from core.ids import TweetId, UserId
from core.types import Tweet
from stores.known_originals import KnownOriginals


def _tweet(tweet_id: int, retweet_of: int | None = None) -> Tweet:
    original = None if retweet_of is None else TweetId(retweet_of)
    return Tweet(TweetId(tweet_id), UserId(1), "", 0, retweet_of=original)


def test_the_originals_of_those_that_were_seen() -> None:
    known = KnownOriginals(capacity=2)
    for tweet in (_tweet(5), _tweet(6, 5), _tweet(6, 5), _tweet(7, 4)):
        known.note(tweet)
    assert known.of([7, 5, 6, 8]) == [4, 5]
    known.note(_tweet(9, 3))
    assert known.of([6, 7, 9]) == [3]
