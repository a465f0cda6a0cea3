"""Tweets by id: `tw:id` in Redis before the store, filled by whoever misses.

The value is a version byte and a MessagePack array. Fills are `SET NX`: what a deletion wrote is
never overwritten by a reader who was late.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import structlog
from redis.asyncio import Redis

from core.errors import Unavailable
from core.packing import VersionedCodec
from core.types import Tweet
from stores.ports import TweetStore
from stores.redis_client import redis_errors

VERSION = 1
TTL_S = 24 * 3600
TTL_SPREAD = 0.1
"""A share of the ttl by which expiries are spread, so that a flush does not come back as a wave."""

TWEETS = VersionedCodec(VERSION, Tweet)
_logger = structlog.get_logger("tweet_cache")


def tweet_key(tweet_id: int) -> bytes:
    return b"tw:%d" % tweet_id


class TweetCache:
    """Reads through Redis to the store; without Redis, straight from the store."""

    def __init__(self, redis: Redis, tweets: TweetStore, spread: random.Random) -> None:
        self._redis = redis
        self._tweets = tweets
        self._random = spread

    async def get_many(self, tweet_ids: Sequence[int]) -> Mapping[int, Tweet]:
        """Tweets by id in one round trip, two where some are missing; unknown ids are absent.

        Raises Unavailable only where the store is away and the cache does not have them all.
        """
        if not tweet_ids:
            return {}
        found: dict[int, Tweet] = {}
        cached = True
        try:
            with redis_errors():
                values = await self._redis.mget([tweet_key(tweet_id) for tweet_id in tweet_ids])
        except Unavailable as exc:
            _logger.warning("cache_away", error=str(exc))
            cached, values = False, [None] * len(tweet_ids)
        for tweet_id, raw in zip(tweet_ids, values, strict=True):
            tweet = TWEETS.decode(raw)
            if tweet is not None:
                found[tweet_id] = tweet
        missing = [tweet_id for tweet_id in tweet_ids if tweet_id not in found]
        if missing:
            stored = await self._tweets.get_many(missing)
            if stored and cached:
                await self._fill(stored)
            found |= stored
        return found

    async def _fill(self, tweets: Mapping[int, Tweet]) -> None:
        try:
            with redis_errors():
                async with self._redis.pipeline(transaction=False) as pipeline:
                    for tweet_id, tweet in tweets.items():
                        pipeline.set(tweet_key(tweet_id), TWEETS.encode(tweet), nx=True, ex=self._ttl_s())
                    await pipeline.execute()
        except Unavailable as exc:
            _logger.warning("cache_fill_failed", error=str(exc))

    def _ttl_s(self) -> int:
        return int(TTL_S * (1 + self._random.uniform(-TTL_SPREAD, TTL_SPREAD)))
