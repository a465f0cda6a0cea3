"""What is counted of a tweet, as its readers are told between two recounts."""

from __future__ import annotations

from core.clock import Clock
from stores.ports import CountKind, Counts, EngagementStore
from stores.redis_client import RedisClient


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
        """The counts after a hint; of what Redis has not, those from before it, shifted."""
        if before is None:
            return (await self._engagements.counts([tweet_id]))[tweet_id]
        return before._replace(**{kind: max(0, getattr(before, kind) + by)})
