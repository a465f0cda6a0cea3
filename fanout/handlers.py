"""What each event does to timelines. Every effect may be repeated; none depends on order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from prometheus_client import Counter, Histogram

from core.clock import Clock
from core.ids import UserId
from eventlog.schema import GRAPH, TWEETS, FollowSet, TweetCreated
from eventlog.worker import Arrived
from stores.ports import GraphStore
from stores.redis_client import RedisClient
from timelines.layout import Delivery, push
from timelines.merge import TimelineMerge
from timelines.relations import Relations

TOPICS = (TWEETS, GRAPH)
FOLLOWER_PAGE = 5_000
PIPELINE_COMMANDS = 2_000
FOLLOWS_AT_ONCE = 16

DELIVERIES = Counter("rankfeed_deliveries_total", "Ids pushed to timelines that exist")
ATTEMPTED = Counter("rankfeed_deliveries_attempted_total", "Ids offered to followers' timelines")
DELAY = Histogram(
    "rankfeed_fanout_delay_seconds",
    "From a tweet's time to the end of its batch's delivery",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)


class FanoutHandler:
    def __init__(
        self, redis: RedisClient, graph: GraphStore, relations: Relations, merge: TimelineMerge, clock: Clock
    ) -> None:
        self._redis = redis
        self._graph = graph
        self._relations = relations
        self._merge = merge
        self._clock = clock

    async def handle(self, batch: Sequence[Arrived]) -> None:
        """Raises Unavailable where Redis or the store is away; the batch then comes again."""
        await self._follow_all(batch)
        # After an outage the writer and the relay may both have told of the same one.
        tweets = list(dict.fromkeys(one.event for one in batch if isinstance(one.event, TweetCreated)))
        pending: list[Delivery] = []
        async for delivery in self._deliveries(tweets):
            pending.append(delivery)
            if len(pending) >= PIPELINE_COMMANDS:
                await self._deliver(pending)
                pending = []
        if pending:
            await self._deliver(pending)
        now_ms = self._clock.now_ms()
        for tweet in tweets:
            DELAY.observe(max(0, now_ms - tweet.created_ms) / 1000)

    async def _deliveries(self, tweets: Sequence[TweetCreated]) -> AsyncIterator[Delivery]:
        by_author: dict[int, list[int]] = {}
        for tweet in tweets:
            by_author.setdefault(tweet.author, []).append(tweet.tweet)
        for author, ids in by_author.items():
            for tweet_id in ids:
                yield Delivery(author, tweet_id)
            after = 0
            while len(
                page := await self._graph.follower_page(UserId(author), after=after, limit=FOLLOWER_PAGE)
            ):
                for follower in page.tolist():
                    for tweet_id in ids:
                        yield Delivery(follower, tweet_id)
                after = int(page[-1])

    async def _deliver(self, deliveries: Sequence[Delivery]) -> None:
        ATTEMPTED.inc(len(deliveries))
        # Nothing comes again for a list once the batch is committed.
        DELIVERIES.inc(await push(self._redis, deliveries, copied=True))

    async def _follow_all(self, batch: Sequence[Arrived]) -> None:
        """Each edge at its highest version in the batch: one that changed often costs no more than once."""
        newest: dict[tuple[int, int], tuple[int, FollowSet]] = {}
        for one in batch:
            if isinstance(one.event, FollowSet):
                edge = one.event.a, one.event.b
                if edge not in newest or newest[edge][0] < one.envelope.ver:
                    newest[edge] = one.envelope.ver, one.event
        room = asyncio.Semaphore(FOLLOWS_AT_ONCE)

        async def follow(event: FollowSet, ver: int) -> None:
            async with room:
                await self._follow(event, ver)

        await asyncio.gather(*(follow(event, ver) for ver, event in newest.values()))

    async def _follow(self, event: FollowSet, ver: int) -> None:
        follower = UserId(event.a)
        await self._relations.invalidate(follower, ver)
        if event.on:
            await self._merge.add_author(follower, UserId(event.b))
