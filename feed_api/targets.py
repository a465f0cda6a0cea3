"""Whom and what a write is about, and who writes: the checks that several routes share.

What never changes of a tweet comes from the cache; whether it was deleted, and who blocks whom, is
asked of the store each time: nothing may be written about what was already gone.
"""

from __future__ import annotations

import asyncio

from core.errors import Forbidden, Gone, InvalidField, NotFound
from core.ids import TweetId, UserId
from core.types import User
from feed_api.services import Services
from stores.tweet_cache import LiveTweet


async def own_profile(services: Services, user: UserId) -> User:
    """Whoever writes has a profile; raises Forbidden."""
    profile = (await services.user_cache.get_many([user])).get(user)
    if profile is None:
        raise Forbidden("make a profile first: POST /v1/users", field="Authorization")
    return profile


async def two_profiles(services: Services, caller: UserId, other: int) -> User:
    """Both are users; returns the caller. Raises NotFound, naming whose profile is missing."""
    profiles = await services.user_cache.get_many([caller, other])
    if other not in profiles:
        raise NotFound("there is no user of this id", field="user_id")
    if caller not in profiles:
        raise NotFound("make a profile first: POST /v1/users", field="Authorization")
    return profiles[caller]


def not_oneself(caller: UserId, other: int, verb: str) -> None:
    if other == caller:
        raise InvalidField(f"nobody can {verb} themselves", field="user_id")


async def live_tweet(services: Services, caller: UserId, tweet_id: TweetId, field: str) -> LiveTweet:
    """The tweet that the caller likes, answers or repeats, and its counts.

    Raises NotFound where it is unknown, or hidden, or where the caller and its author are across a
    block, Gone where it was deleted, and InvalidField where it is a retweet: that points to a tweet, and it
    is the tweet that is meant.
    """
    found = (await services.tweet_cache.get_live([tweet_id])).get(tweet_id)
    if found is None:
        deletion = (await services.tweets.deletions([tweet_id])).get(tweet_id)
        if deletion is None or await _across_a_block(services, caller, deletion.author_id):
            raise _unknown(field)
        raise _gone(field)
    tweet = found.tweet
    deletions, blocked = await asyncio.gather(
        services.tweets.deletions([tweet_id]), _across_a_block(services, caller, tweet.author_id)
    )
    if blocked:
        raise _unknown(field)
    if tweet_id in deletions:
        raise _gone(field)
    if tweet.retweet_of is not None:
        # Where that could not be acted on, nothing is said of it: as whoever reads the retweet is told.
        await live_tweet(services, caller, tweet.retweet_of, field)
        raise InvalidField(f"this is a retweet; the tweet itself is {tweet.retweet_of}", field=field)
    return found


async def author_of(services: Services, tweet_id: TweetId) -> UserId:
    """Whose tweet it is or was; raises NotFound where it is not known."""
    tweet = (await services.tweet_cache.get_many([tweet_id])).get(tweet_id)
    if tweet is not None:
        return tweet.author_id
    deletion = (await services.tweets.deletions([tweet_id])).get(tweet_id)
    if deletion is None:
        raise _unknown("tweet_id")
    return deletion.author_id


async def _across_a_block(services: Services, caller: UserId, author: UserId) -> bool:
    return caller != author and await services.graph.is_blocked(caller, author)


def _unknown(field: str) -> NotFound:
    return NotFound("there is no tweet of this id", field=field)


def _gone(field: str) -> Gone:
    return Gone("this tweet was deleted", field=field)
