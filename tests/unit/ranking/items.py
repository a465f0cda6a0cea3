"""Items of feeds for tests that make them by hand."""

from __future__ import annotations

from core.types import Tweet, User
from ranking.page_walk import Shown
from ranking.query import FeedItem
from stores.ports import Counts
from stores.tweet_cache import LiveTweet

NONE_YET = Counts()


def feed_item(tweet: Tweet, author: User, position: int, counts: Counts = NONE_YET) -> FeedItem:
    """A tweet that is its own root."""
    return FeedItem(tweet, author, position, LiveTweet(tweet, counts), author)


def shown(tweet: Tweet, author: User, counts: Counts = NONE_YET) -> Shown:
    return Shown(0, tweet, author, LiveTweet(tweet, counts), author)


def shown_retweet(
    retweet: Tweet, author: User, original: Tweet, original_author: User, counts: Counts = NONE_YET
) -> Shown:
    return Shown(0, retweet, author, LiveTweet(original, counts), original_author)
