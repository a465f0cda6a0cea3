"""Tweets whose counts are to be made anew: which of their buckets, when, and since which event.

A tweet that was visited stays for one more visit without any dirt: what was read before the first one
may have been written to Redis after it, as a fill or a hint.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import NamedTuple

from eventlog.log import Offsets, TopicPartition
from stores.ports import Bucket, CountKind


class Place(NamedTuple):
    """Where an event stands in the log."""

    partition: TopicPartition
    offset: int


@dataclass(slots=True)
class Dirt:
    """What events made of one tweet: buckets to count, the first event of each partition, their time."""

    buckets: set[tuple[CountKind, int]] = field(default_factory=set)
    first: dict[TopicPartition, int] = field(default_factory=dict)
    since_ms: int | None = None

    def add(self, other: Dirt) -> None:
        self.buckets |= other.buckets
        for partition, offset in other.first.items():
            self.first[partition] = min(offset, self.first.get(partition, offset))
        if other.since_ms is not None:
            self.since_ms = other.since_ms if self.since_ms is None else min(self.since_ms, other.since_ms)

    @property
    def is_news(self) -> bool:
        """Whether something happened; the buckets may have been counted already."""
        return self.since_ms is not None


@dataclass(slots=True)
class Visit:
    """One tweet on its way through store and Redis, and the dirt that this takes away."""

    tweet: int
    dirt: Dirt

    def buckets(self) -> list[Bucket]:
        return [Bucket(self.tweet, kind, number) for kind, number in sorted(self.dirt.buckets)]


@dataclass(slots=True)
class _Tweet:
    dirt: Dirt = field(default_factory=Dirt)
    visit: Visit | None = None


class DirtyTweets:
    """Times are monotonic seconds. Each tweet waits for its time, or is being visited."""

    def __init__(self) -> None:
        self._tweets: dict[int, _Tweet] = {}
        self._due: list[tuple[float, int]] = []
        # Those whose events may not be committed: few, where all are asked for with each commit.
        self._holding: set[int] = set()

    def __len__(self) -> int:
        return len(self._tweets)

    def mark(self, bucket: Bucket, place: Place | None, *, at_ms: int, now_s: float) -> None:
        """A change at `at_ms`, told of at `place`; a tweet that is new here is due at once."""
        tweet = self._tweets.get(bucket.tweet)
        if tweet is None:
            tweet = self._tweets[bucket.tweet] = _Tweet()
            heapq.heappush(self._due, (now_s, bucket.tweet))
        first = {}
        if place is not None:
            first[place.partition] = place.offset
            self._holding.add(bucket.tweet)
        tweet.dirt.add(Dirt({(bucket.kind, bucket.number)}, first, at_ms))

    def next_due_s(self) -> float | None:
        """None where nothing waits for its time."""
        return self._due[0][0] if self._due else None

    def take(self, now_s: float, limit: int) -> list[Visit]:
        """At most `limit` that are due; each is then counted, or given back."""
        visits: list[Visit] = []
        while self._due and self._due[0][0] <= now_s and len(visits) < limit:
            _, tweet_id = heapq.heappop(self._due)
            tweet = self._tweets[tweet_id]
            tweet.visit = Visit(tweet_id, tweet.dirt)
            tweet.dirt = Dirt()
            visits.append(tweet.visit)
        return visits

    def counted(self, visit: Visit, *, next_s: float, now_s: float) -> None:
        """What happened is in the counts; the tweet comes once more at `next_s`, unless nothing had."""
        tweet = self._tweets[visit.tweet]
        tweet.visit = None
        if not tweet.dirt.first:
            self._holding.discard(visit.tweet)
        if visit.dirt.is_news or tweet.dirt.is_news:
            heapq.heappush(self._due, (next_s if visit.dirt.is_news else now_s, visit.tweet))
        else:
            del self._tweets[visit.tweet]

    def give_back(self, visit: Visit, *, again_s: float) -> None:
        """What the visit has left in its dirt comes again."""
        tweet = self._tweets[visit.tweet]
        tweet.visit = None
        tweet.dirt.add(visit.dirt)
        heapq.heappush(self._due, (again_s, visit.tweet))

    def done(self, handled: Offsets) -> Offsets:
        """Of these offsets, those below every event whose dirt is still there."""
        done = dict(handled)
        for tweet_id in self._holding:
            tweet = self._tweets[tweet_id]
            for dirt in (tweet.dirt,) if tweet.visit is None else (tweet.dirt, tweet.visit.dirt):
                for partition, offset in dirt.first.items():
                    if offset < done.get(partition, 0):
                        done[partition] = offset
        return done
