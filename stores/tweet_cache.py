"""Tweets by id: `tw:id` in Redis before the store, filled by whoever misses.

The value is a version byte and a MessagePack array. Fills are `SET NX`: what a deletion wrote is
never overwritten by a reader who was late.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import structlog

from core.errors import Unavailable
from core.packing import VersionedCodec
from core.types import Tweet
from stores.ports import Counts, TweetStore
from stores.redis_client import RedisClient
from stores.redis_commands import command

VERSION = 1
TTL_S = 24 * 3600
TTL_SPREAD = 0.1
"""A share of the ttl by which expiries are spread, so that a flush does not come back as a wave."""

TWEETS = VersionedCodec(VERSION, Tweet)
_logger = structlog.get_logger("tweet_cache")


def tweet_key(tweet_id: int) -> bytes:
    return b"tw:%d" % tweet_id


class LiveTweet(NamedTuple):
    tweet: Tweet
    counts: Counts


class TweetCache:
    """Reads through Redis to the store; without Redis, straight from the store."""

    def __init__(self, redis: RedisClient, tweets: TweetStore, spread: random.Random) -> None:
        self._redis = redis
        self._tweets = tweets
        self._random = spread

    async def get_many(self, tweet_ids: Sequence[int]) -> Mapping[int, Tweet]:
        """Tweets by id in one round trip, two where some are missing; unknown ids are absent.

        Raises Unavailable only where the store is away and the cache does not have them all.
        """
        found, away = await self._cached(tweet_ids)
        missing = [tweet_id for tweet_id in tweet_ids if tweet_id not in found]
        if missing:
            stored = await self._tweets.get_many(missing)
            # Where nobody answers, nobody takes anything either.
            await self._fill({key: tweet for key, tweet in stored.items() if key not in away})
            found |= stored
        return found

    async def get_live(self, tweet_ids: Sequence[int]) -> Mapping[int, LiveTweet]:
        """Bodies and counts; unknown, deleted and hidden ones are absent."""
        return {
            tweet_id: LiveTweet(tweet, Counts())
            for tweet_id, tweet in (await self.get_many(tweet_ids)).items()
        }

    async def put(self, tweet: Tweet) -> None:
        """Once its creation has returned: whoever missed it just now finds it from here on."""
        await self._fill({tweet.tweet_id: tweet})

    async def at_hand(self, tweet_ids: Sequence[int]) -> Mapping[int, Tweet]:
        """Those that the cache has; the store is not asked."""
        return (await self._cached(tweet_ids))[0]

    async def _cached(self, tweet_ids: Sequence[int]) -> tuple[dict[int, Tweet], set[int]]:
        """What the cache has, and of which ids it could not say."""
        cached = await self._redis.find([tweet_key(tweet_id) for tweet_id in tweet_ids])
        if cached.failure is not None:
            _logger.warning("cache_away", error=str(cached.failure), tweets=len(cached.unanswered))
        found: dict[int, Tweet] = {}
        for tweet_id, raw in zip(tweet_ids, cached.values, strict=True):
            tweet = TWEETS.decode(raw)
            if tweet is not None:
                found[tweet_id] = tweet
        return found, {tweet_ids[position] for position in cached.unanswered}

    async def _fill(self, tweets: Mapping[int, Tweet]) -> None:
        fills = [
            command(b"SET", tweet_key(tweet_id), TWEETS.encode(tweet), b"NX", b"EX", self._ttl_s())
            for tweet_id, tweet in tweets.items()
        ]
        try:
            await self._redis.calls(fills)
        except Unavailable as exc:
            _logger.warning("cache_fill_failed", error=str(exc))

    def _ttl_s(self) -> int:
        return int(TTL_S * (1 + self._random.uniform(-TTL_SPREAD, TTL_SPREAD)))
