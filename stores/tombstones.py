"""What was deleted, written over what the caches hold of it."""

from __future__ import annotations

from collections.abc import Sequence

from stores.redis_client import RedisClient
from stores.redis_commands import command

TTL_S = 2 * 24 * 3600


class Tombstones:
    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    async def write(self, tweet_ids: Sequence[int]) -> None:
        """Raises Unavailable."""
        # No body that is known: fills are `SET NX`, so readers ask the store.
        await self._redis.calls(
            [command(b"SET", b"tw:%d" % tweet_id, b"\xff", b"EX", TTL_S) for tweet_id in tweet_ids],
            copied=True,
        )
