"""Tombstones: what says in Redis that a tweet is gone, whatever else is there of it.

A plain `SET` over the body, and the flag beside the counts, which is made with it where there are
none. Both outlive every fill, and fills give way to them.
"""

from __future__ import annotations

from collections.abc import Sequence

from stores.cached_tweet import (
    DELETED,
    DELETED_BIT,
    TOMBSTONE,
    TOMBSTONE_TTL_S,
    counts_key,
    tweet_key,
)
from stores.redis_client import RedisClient
from stores.redis_commands import Command, command


class Tombstones:
    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    async def write(self, tweet_ids: Sequence[int]) -> None:
        """For tweets that the store says are deleted, in one pipeline; a failover does not take it back.

        Safe to repeat. Raises Unavailable: some may be written then.
        """
        await self._redis.calls([one for tweet_id in tweet_ids for one in tombstone(tweet_id)], copied=True)


def tombstone(tweet_id: int) -> tuple[Command, ...]:
    return (
        command(b"SET", tweet_key(tweet_id), TOMBSTONE + DELETED, b"EX", TOMBSTONE_TTL_S),
        command(b"SETBIT", counts_key(tweet_id), DELETED_BIT, 1),
        command(b"EXPIRE", counts_key(tweet_id), TOMBSTONE_TTL_S),
    )
