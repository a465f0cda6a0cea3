"""Counts of tweets in Redis: `tc:id`, overwritten by recounts and shifted by hints in between.

Both touch only a key that is there, and never its flags. What is not there is filled from the store by
whoever reads it (`stores.tweet_cache`), which holds the same counts.
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from core.clock import Clock
from core.errors import Unavailable
from core.ids import id_time_ms
from stores.cached_tweet import counts_key, decode_state, encode_counts
from stores.ports import CountKind, Counts, EngagementStore
from stores.redis_client import RedisClient
from stores.redis_commands import script

HINT_WITHIN_MS = 4_000
"""So long after its write a hint still counts: a recount may hold it already, and is repeated after 5 s."""

_PLACES: Mapping[CountKind, int] = {"likes": 0, "retweets": 1, "replies": 2}

# KEYS[1] the state. What is of another type is as if it were not there.
_IS_THERE = "redis.call('TYPE', KEYS[1]).ok == 'string' and redis.call('STRLEN', KEYS[1]) == 16"
# ARGV: the place of the count, and by how much. Below 0 it stays at 0.
_SHIFT = f"""
if not ({_IS_THERE}) then return false end
redis.call('BITFIELD', KEYS[1], 'OVERFLOW', 'SAT', 'INCRBY', 'u32', '#' .. ARGV[1], ARGV[2])
return redis.call('GET', KEYS[1])
"""
# ARGV: the twelve bytes of all three counts.
_RENEW = f"""
if not ({_IS_THERE}) then return 0 end
redis.call('SETRANGE', KEYS[1], 0, ARGV[1])
return 1
"""

_logger = structlog.get_logger("counts_cache")


class CountsCache:
    def __init__(self, redis: RedisClient, engagements: EngagementStore, clock: Clock) -> None:
        self._redis = redis
        self._engagements = engagements
        self._clock = clock

    async def shift(
        self,
        tweet_id: int,
        kind: CountKind,
        by: int,
        *,
        before: Counts | None = None,
        ver: int | None = None,
    ) -> Counts:
        """Hints at a change until the recount; returns the counts after it, none of them below 0.

        `before` are the counts that were known before the write: where Redis does not know, the answer
        is made of them; without them it is what the store has counted so far, which may lack this
        change. `ver` is the change's version: a hint long after it is none. Raises Unavailable where
        the store is asked and away.
        """
        if ver is None or self._clock.now_ms() - id_time_ms(ver) <= HINT_WITHIN_MS:
            try:
                raw = await self._redis.run_script(_SHIFT, [counts_key(tweet_id)], _PLACES[kind], by)
            except Unavailable as exc:
                _logger.warning("hint_not_given", tweet=tweet_id, error=str(exc))
            else:
                if (state := decode_state(raw)) is not None:
                    return state[0]
        if before is None:
            return (await self._engagements.counts([tweet_id]))[tweet_id]
        shifted = list(before)
        shifted[_PLACES[kind]] = max(0, shifted[_PLACES[kind]] + by)
        return Counts(*shifted)

    async def renew(self, counted: Mapping[int, Counts]) -> int:
        """Overwrites the counts of these tweets where there are some; returns of how many.

        One pipeline; a failover does not take it back. Raises Unavailable: some may be written then.
        """
        renewed: list[int] = await self._redis.calls(
            [
                script(_RENEW, [counts_key(tweet_id)], encode_counts(counts))
                for tweet_id, counts in counted.items()
            ],
            copied=True,
        )
        return sum(renewed)
