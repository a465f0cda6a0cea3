"""What each event does to timelines. Every effect may be repeated; none depends on order."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import Histogram

from core.clock import Clock
from eventlog.schema import GRAPH, TWEETS, TweetCreated, TweetDeleted
from eventlog.worker import Arrived
from fanout.deliver import Deliverer
from fanout.followers import FollowerPages
from fanout.graph_changes import GraphChanges
from stores.ports import GraphStore
from stores.redis_client import RedisClient
from timelines.delivery import DeliveryRule, PushAll
from timelines.merge import TimelineMerge
from timelines.relations import Relations

TOPICS = (TWEETS, GRAPH)
FOLLOWERS_BYTES = 64 * 1024 * 1024

DELAY = Histogram(
    "rankfeed_fanout_delay_seconds",
    "From a tweet's time to the end of its batch's delivery",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)


class FanoutHandler:
    """`followers_bytes` is the memory for followers of active authors."""

    def __init__(
        self,
        redis: RedisClient,
        graph: GraphStore,
        relations: Relations,
        merge: TimelineMerge,
        clock: Clock,
        *,
        followers_bytes: int = FOLLOWERS_BYTES,
        rule: DeliveryRule | None = None,
    ) -> None:
        followers = FollowerPages(redis, graph, followers_bytes)
        self._changes = GraphChanges(followers, relations, merge)
        self._deliverer = Deliverer(redis, followers, rule or PushAll())
        self._clock = clock

    async def handle(self, batch: Sequence[Arrived]) -> None:
        """Raises Unavailable where Redis or the store is away; the batch then comes again."""
        await self._changes.apply(batch)
        deleted = [one.event for one in batch if isinstance(one.event, TweetDeleted)]
        gone = {event.tweet for event in deleted}
        created = [
            one.event for one in batch if isinstance(one.event, TweetCreated) and one.event.tweet not in gone
        ]
        await self._deliverer.push(created)
        now_ms = self._clock.now_ms()
        for tweet in created:
            DELAY.observe(max(0, now_ms - tweet.created_ms) / 1000)
        await self._deliverer.remove(deleted)
