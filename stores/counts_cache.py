"""What is counted of a tweet, as its readers are told between two recounts."""

from __future__ import annotations

from core.ids import TweetId
from stores.ports import CountKind, Counts, EngagementStore
from stores.redis_client import RedisClient


class CountsCache:
    def __init__(self, redis: RedisClient, engagements: EngagementStore) -> None:
        self._redis = redis
        self._engagements = engagements

    async def shift(self, tweet_id: int, kind: CountKind, by: int) -> Counts:
        """The counts after a hint; of what Redis has not, the store's, shifted."""
        counts = (await self._engagements.counts([TweetId(tweet_id)]))[tweet_id]
        return counts._replace(**{kind: max(0, getattr(counts, kind) + by)})
