"""Tweets by id: `tw:` and `tc:` in Redis before the store, filled by whoever misses.

Fills are `SET NX`, so what a deletion wrote is never overwritten by a reader who was late; and one
who was so late that the deletion's repeats may be over does not fill at all. A body alone does not
say that its tweet is there: where `tc:` says nothing, the store is asked.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

import msgspec
import structlog

from core.clock import Clock
from core.errors import Unavailable
from core.ids import id_time_ms
from core.types import Tweet
from stores.cached_tweet import (
    FLAG_DELETED,
    FLAG_HIDDEN,
    TTL_S,
    TTL_SPREAD,
    TWEETS,
    counts_key,
    decode_state,
    encode_state,
    is_tombstone,
    tweet_key,
)
from stores.known_originals import KnownOriginals
from stores.ports import Counts, EngagementStore, TweetStore
from stores.recent_misses import RecentMisses
from stores.redis_client import Found, RedisClient
from stores.redis_commands import Command, command
from stores.tombstones import tombstone

FILL_WITHIN_S = 4.0
"""So old may be what was read: deletions and counts are written once more after 5 s."""
DECODED = 16_384
"""Tweets that need not be decoded again, 16 MB. Those of one moment's feeds are much the same."""
_GONE = FLAG_DELETED | FLAG_HIDDEN

V = TypeVar("V")

_logger = structlog.get_logger("tweet_cache")


class LiveTweet(msgspec.Struct, frozen=True, array_like=True):
    """A tweet that is neither deleted nor hidden, and what is counted of it."""

    tweet: Tweet
    counts: Counts


@dataclass(slots=True)
class _View:
    """What Redis has of some tweets. Those that it says are gone are in none of these.

    `half` are those of which a part is missing: bodies and counts that are there are beside it.
    `unanswered` are those of which a shard that is away may hold more.
    """

    live: dict[int, LiveTweet] = field(default_factory=dict)
    half: list[int] = field(default_factory=list)
    bodies: dict[int, Tweet] = field(default_factory=dict)
    counts: dict[int, Counts] = field(default_factory=dict)
    unanswered: frozenset[int] = frozenset()

    def note(self, tweet_id: int, raw: bytes | None, state: bytes | None) -> None:
        """One that is not live by these two."""
        counted = decode_state(state)
        if is_tombstone(raw) or (counted is not None and counted[1] & _GONE):
            return
        self.half.append(tweet_id)
        if counted is not None:
            self.counts[tweet_id] = counted[0]
        elif (tweet := TWEETS.decode(raw)) is not None:
            self.bodies[tweet_id] = tweet


def _live(raw: bytes | None, state: bytes | None) -> LiveTweet | None:
    """None where one of the two is missing, or says that the tweet is gone."""
    counted = decode_state(state)
    if counted is None or counted[1] & _GONE:
        return None
    tweet = TWEETS.decode(raw)
    return None if tweet is None else LiveTweet(tweet, counted[0])


class TweetCache:
    """Reads through Redis to the store; without Redis, straight from the store."""

    def __init__(
        self,
        redis: RedisClient,
        tweets: TweetStore,
        engagements: EngagementStore,
        clock: Clock,
        spread: random.Random,
    ) -> None:
        self._redis = redis
        self._tweets = tweets
        self._engagements = engagements
        self._clock = clock
        self._random = spread
        self._misses = RecentMisses(clock)
        self._originals = KnownOriginals()
        # By its very bytes, which are read each time: what is decoded is what they say.
        self._decoded = lru_cache(maxsize=DECODED)(_live)

    async def get_live(self, tweet_ids: Sequence[int]) -> Mapping[int, LiveTweet]:
        """Tweets by id with their counts, in one round trip; unknown, deleted and hidden ones are absent.

        Raises Unavailable only where the store is away and the cache does not have them all.
        """
        view = await self._view(tweet_ids)
        if view.half:
            await self._complete(view)
        return view.live

    async def at_hand_live(self, tweet_ids: Sequence[int]) -> Mapping[int, LiveTweet]:
        """Those whose bodies the cache has, with counts of 0 where it has none; the store is not asked."""
        view = await self._view(tweet_ids)
        for tweet_id, tweet in view.bodies.items():
            view.live[tweet_id] = LiveTweet(tweet, Counts())
        return view.live

    def known_originals(self, tweet_ids: Iterable[int]) -> list[int]:
        """What some of these retweet, as far as that was seen here."""
        return self._originals.of(tweet_ids)

    async def get_many(self, tweet_ids: Sequence[int]) -> Mapping[int, Tweet]:
        """Bodies alone, and without the flags: a deleted one may be among them for a moment.

        Raises as `get_live`.
        """
        found, missing, unanswered = await self._bodies(tweet_ids)
        wanted = [one for one in missing if one in unanswered or one not in self._misses]
        if wanted:
            began_s = self._clock.monotonic_s()
            stored = await self._tweets.get_many(wanted)
            known = {key: tweet for key, tweet in stored.items() if key not in unanswered}
            self._misses.add(key for key in wanted if key not in stored and key not in unanswered)
            await self._fill(self._body_fills(known), began_s)
            found |= stored
        return found

    async def at_hand(self, tweet_ids: Sequence[int]) -> Mapping[int, Tweet]:
        """The bodies that the cache has; the store is not asked."""
        return (await self._bodies(tweet_ids))[0]

    async def put(self, tweet: Tweet) -> None:
        """Once its creation has returned: whoever missed it just now finds it from here on."""
        self._misses.forget(tweet.tweet_id)
        age_s = max(0, self._clock.now_ms() - id_time_ms(tweet.tweet_id)) / 1000
        await self._fill(self._body_fills({tweet.tweet_id: tweet}), self._clock.monotonic_s() - age_s)

    async def _view(self, tweet_ids: Sequence[int]) -> _View:
        found = await self._find([*map(tweet_key, tweet_ids), *map(counts_key, tweet_ids)])
        number = len(tweet_ids)
        bodies, states = found.values[:number], found.values[number:]
        live = list(map(self._decoded, bodies, states))
        view = _View(
            {tweet_id: one for tweet_id, one in zip(tweet_ids, live, strict=True) if one is not None},
            unanswered=frozenset(tweet_ids[i % number] for i in found.unanswered),
        )
        if not all(live):
            for tweet_id, one, raw, state in zip(tweet_ids, live, bodies, states, strict=True):
                if one is None:
                    view.note(tweet_id, raw, state)
        for one in view.live.values():
            if one.tweet.retweet_of is not None:
                self._originals.note(one.tweet)
        return view

    async def _complete(self, view: _View) -> None:
        """Asks the store for what is missing, adds what is live, and fills."""
        began_s = self._clock.monotonic_s()
        bodiless = [
            one
            for one in view.half
            if one not in view.bodies and (one in view.unanswered or one not in self._misses)
        ]
        uncounted = [one for one in (*view.bodies, *bodiless) if one not in view.counts]
        stored, deleted, counted = await asyncio.gather(
            _asked(bodiless, self._tweets.get_many),
            # Whoever is in the cache with its body alone may have been deleted since.
            _asked(list(view.bodies), self._tweets.deletions),
            _asked(uncounted, self._engagements.counts),
        )
        absent = [one for one in bodiless if one not in stored]
        gone = set(deleted) | set(await _asked(absent, self._tweets.deletions))
        for tweet_id, tweet in (*view.bodies.items(), *stored.items()):
            if tweet_id not in gone:
                counts = view.counts[tweet_id] if tweet_id in view.counts else counted[tweet_id]
                view.live[tweet_id] = LiveTweet(tweet, counts)
        # Where nobody answers, nobody takes anything either.
        self._misses.add(one for one in absent if one not in gone and one not in view.unanswered)
        fillable = view.live.keys() - view.unanswered
        fills = [
            *self._body_fills({one: stored[one] for one in fillable & stored.keys()}),
            *self._state_fills({one: counted[one] for one in fillable & counted.keys()}),
        ]
        await self._fill(fills, began_s, gone - view.unanswered)

    async def _bodies(self, tweet_ids: Sequence[int]) -> tuple[dict[int, Tweet], list[int], set[int]]:
        """What the cache has, what it does not have, and of which of those it could not say."""
        cached = await self._find([tweet_key(tweet_id) for tweet_id in tweet_ids])
        found: dict[int, Tweet] = {}
        missing: list[int] = []
        for tweet_id, raw in zip(tweet_ids, cached.values, strict=True):
            tweet = TWEETS.decode(raw)
            if tweet is not None:
                found[tweet_id] = tweet
            elif not is_tombstone(raw):
                missing.append(tweet_id)
        return found, missing, {tweet_ids[position] for position in cached.unanswered}

    async def _find(self, keys: Sequence[bytes]) -> Found:
        found = await self._redis.find(keys)
        if found.failure is not None:
            _logger.warning("cache_away", error=str(found.failure), keys=len(found.unanswered))
        return found

    def _body_fills(self, tweets: Mapping[int, Tweet]) -> list[Command]:
        return [self._nx(tweet_key(one), TWEETS.encode(tweet)) for one, tweet in tweets.items()]

    def _state_fills(self, counts: Mapping[int, Counts]) -> list[Command]:
        return [self._nx(counts_key(one), encode_state(counted)) for one, counted in counts.items()]

    def _nx(self, key: bytes, value: bytes) -> Command:
        ttl_s = int(TTL_S * (1 + self._random.uniform(-TTL_SPREAD, TTL_SPREAD)))
        return command(b"SET", key, value, b"NX", b"EX", ttl_s)

    async def _fill(
        self, fills: Sequence[Command], began_s: float, gone: frozenset[int] | set[int] = frozenset()
    ) -> None:
        """Writes what was read since `began_s`, unless that is too long ago; and tombstones in any case."""
        if self._clock.monotonic_s() - began_s > FILL_WITHIN_S:
            fills = []
        wanted = [*fills, *(one for tweet_id in gone for one in tombstone(tweet_id))]
        try:
            await self._redis.calls(wanted)
        except Unavailable as exc:
            _logger.warning("cache_fill_failed", error=str(exc))


async def _asked(
    tweet_ids: Sequence[int], ask: Callable[[Sequence[int]], Awaitable[Mapping[int, V]]]
) -> Mapping[int, V]:
    """What the store says of these; of none it need not be asked."""
    return await ask(tweet_ids) if tweet_ids else {}
