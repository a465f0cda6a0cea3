"""Tweets into the timelines of followers: many events, authors and followers at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import islice

from prometheus_client import Counter

from core.ids import UserId
from eventlog.schema import TweetCreated, TweetDeleted
from fanout.followers import AT_ONCE, FollowerPages, Followers
from stores.redis_client import RedisClient
from timelines.audience import Offer, push_to, remove_from
from timelines.delivery import DeliveryRule, Way

TOGETHER = 100_000
"""Deliveries among which each viewer's are looked for; with a page of followers more than that at most."""

DELIVERIES = Counter("rankfeed_deliveries_total", "Ids pushed to timelines that exist")
ATTEMPTED = Counter("rankfeed_deliveries_attempted_total", "Ids offered to followers' timelines")

TweetsBy = dict[int, list[int]]
"""Ids of tweets, rising, by their author."""


class Deliverer:
    """Raises Unavailable where Redis or the graph is away; what was pushed by then may be pushed again."""

    def __init__(self, redis: RedisClient, followers: FollowerPages, rule: DeliveryRule) -> None:
        self._redis = redis
        self._followers = followers
        self._rule = rule

    async def push(self, tweets: Iterable[TweetCreated]) -> None:
        async def push(offers: Sequence[Offer]) -> None:
            ATTEMPTED.inc(sum(len(one.audience.viewers) for one in offers))
            # Nothing comes again for a list once the batch is committed.
            DELIVERIES.inc(await push_to(self._redis, offers, copied=True))

        pushed = (one for one in tweets if self._rule.way_of(UserId(one.author)) is Way.PUSH)
        await self._to_all(_by_author(pushed), push)

    async def remove(self, tweets: Iterable[TweetDeleted]) -> None:
        async def remove(offers: Sequence[Offer]) -> None:
            await remove_from(self._redis, offers)

        await self._to_all(_by_author(tweets), remove)

    async def _to_all(self, tweets: TweetsBy, act: Callable[[Sequence[Offer]], Awaitable[None]]) -> None:
        pending: list[Offer] = []
        deliveries = 0
        async for offer in self._offers(tweets):
            pending.append(offer)
            deliveries += len(offer.audience.viewers)
            if deliveries >= TOGETHER:
                await act(pending)
                pending, deliveries = [], 0
        if pending:
            await act(pending)

    async def _offers(self, tweets: TweetsBy) -> AsyncIterator[Offer]:
        """Older tweets first, as far as their followers fit into memory: what rises is trimmed cheaply."""
        held: dict[int, Followers] = {}
        for group in _in_groups(sorted(tweets, key=lambda author: tweets[author][0])):
            held |= await self._followers.begin(group)
            if sum(followers.size_bytes for followers in held.values()) >= self._followers.room_bytes:
                async for offer in self._offers_to(held, tweets):
                    yield offer
                held = {}
        async for offer in self._offers_to(held, tweets):
            yield offer

    async def _offers_to(self, held: dict[int, Followers], tweets: TweetsBy) -> AsyncIterator[Offer]:
        rising = sorted((tweet, author) for author in held for tweet in tweets[author])
        for tweet, author in rising:
            for page in held[author].pages:
                yield Offer(page, tweet)
        for author, followers in held.items():
            async for page in self._followers.rest(author, followers):
                for tweet in tweets[author]:
                    yield Offer(page, tweet)


def _by_author(tweets: Iterable[TweetCreated] | Iterable[TweetDeleted]) -> TweetsBy:
    ids: dict[int, set[int]] = {}
    for one in tweets:
        # After an outage the writer and the relay may both have told of the same one.
        ids.setdefault(one.author, set()).add(one.tweet)
    return {author: sorted(of_them) for author, of_them in ids.items()}


def _in_groups(authors: Sequence[int]) -> Iterator[list[int]]:
    rest = iter(authors)
    while group := list(islice(rest, AT_ONCE)):
        yield group
