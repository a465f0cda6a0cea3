"""What is popular with everybody, `pop:v1`: tweets and scores, written anew every so often by one writer."""

from __future__ import annotations

import msgspec

from core.packing import VersionedCodec
from stores.redis_client import RedisClient
from stores.redis_commands import command

VERSION = 1
KEY = b"pop:v1"
TTL_S = 600
"""Older than this nothing counts as popular any more, wherever it was kept."""


class Popular(msgspec.Struct, frozen=True, array_like=True):
    """n tweets, best first, none of them a retweet: `ids` int64 [n], `scores` float32 [n], little-endian.

    `as_of_ms` is the moment that they were scored for.
    """

    as_of_ms: int
    ids: bytes
    scores: bytes


POPULAR = VersionedCodec(VERSION, Popular)


class PopularStore:
    """Nothing here is truth: a list that is lost is written again by the next turn of its writer."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    async def put(self, popular: Popular) -> None:
        """In the place of what was there. Raises Unavailable."""
        await self._redis.call(command(b"SET", KEY, POPULAR.encode(popular), b"EX", TTL_S))

    async def get(self) -> Popular | None:
        """None where there is none that this code reads. Raises Unavailable."""
        return POPULAR.decode(await self._redis.call(command(b"GET", KEY)))
