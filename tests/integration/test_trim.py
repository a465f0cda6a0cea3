"""Trims on a real Redis: whatever was pushed, in whatever order, nothing newer goes for anything older."""

from __future__ import annotations

import random
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from timelines.layout import BUILDING, CAPACITY, COMPLETE, CUT, LONGEST, TTL_S, parse_timeline
from timelines.merge import _ENSURE, _SWAP
from timelines.trim import TRIM, arguments

SMALL, SLACK, NEIGHBOURS, FEW = 8, 4, 2, 6
KEY, LOCK = b"tl:{7}", b"rb:{7}"
# Ids of two lengths, and beyond what Lua's numbers can tell apart.
IDS = st.one_of(st.integers(990, 1_030), st.integers(2**62, 2**62 + 30))
AUTHORS = (0, 1, 2)


def author_of(tweet: int) -> int:
    return tweet % len(AUTHORS)


class List:
    """One viewer's list, beside what must be in it.

    `due` is what must be found above the list's floor where its author is followed: what was pushed since
    the list exists, and what the store had of an author whom a merge brought in.
    """

    def __init__(self, server: redis.Redis) -> None:
        self._redis: Any = server
        self.stored: set[int] = set()
        self.followed: set[int] = set()
        self.due: set[int] = set()
        self.removed = 0

    def post(self, tweet: int) -> None:
        """Fan-out is behind."""
        self.stored.add(tweet)

    def push(self, tweets: list[int]) -> None:
        length = 0
        for tweet in tweets:
            self.stored.add(tweet)
            length = self._redis.lpushx(KEY, tweet)
            if length:
                self.due.add(tweet)
        if length > SMALL + SLACK:
            self.trim()

    def push_newer(self, count: int) -> None:
        """As it mostly happens: each above all that was there before."""
        highest = max(self.stored, default=1_000)
        self.push([highest + 1 + i for i in range(count)])

    def remove(self, number: int) -> None:
        """Deleted: gone from the store, and from the list if it is there."""
        if not self.stored:
            return
        tweet = sorted(self.stored)[number % len(self.stored)]
        self.stored.discard(tweet)
        self.due.discard(tweet)
        self.removed += self._redis.lrem(KEY, 1, tweet)

    def trim(self) -> None:
        self._redis.eval(TRIM.source, 1, KEY, SMALL, NEIGHBOURS, FEW)

    def follow(self, author: int) -> None:
        self.followed.add(author)
        theirs = self._newest({author})
        if self._redis.eval(_SWAP, 2, KEY, LOCK, b"", SMALL, TTL_S, *theirs) != -1:
            self.due |= {tweet for tweet in self.stored if author_of(tweet) == author}

    def rebuild(self) -> None:
        self._redis.set(LOCK, b"mine")
        self._redis.eval(_ENSURE, 1, KEY, BUILDING, TTL_S)
        newest = self._newest(self.followed)
        assert self._redis.eval(_SWAP, 2, KEY, LOCK, b"mine", SMALL, TTL_S, *newest) != -1
        self.due |= {tweet for tweet in self.stored if author_of(tweet) in self.followed}

    def flush(self) -> None:
        self._redis.delete(KEY)
        self.due.clear()
        self.removed = 0

    def check(self) -> None:
        items = self._redis.lrange(KEY, 0, -1)
        parsed = parse_timeline(items)
        listed = parsed.ids.tolist()
        if not items:
            return
        assert 0 < self._redis.ttl(KEY) <= TTL_S
        assert items[-1] in (COMPLETE, CUT, BUILDING)
        if b"-1" in items:
            # The mark tells the truth.
            below = [int(item) for item in items[items.index(b"-1") + 1 : -1]]
            assert below == sorted(set(below), reverse=True)
        if not parsed.complete:
            # Given up only where everything in order was removed.
            assert items[-1] == BUILDING or self.removed
            return
        floor = listed[-1] if items[-1] == CUT else 0
        due = {tweet for tweet in self.due if author_of(tweet) in self.followed}
        assert {tweet for tweet in due if tweet >= floor} <= set(listed)
        assert len(listed) >= min(SMALL, len(due)) - self.removed

    def _newest(self, authors: set[int]) -> list[int]:
        theirs = (tweet for tweet in self.stored if author_of(tweet) in authors)
        return sorted(theirs, reverse=True)[:SMALL]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.lists(IDS, min_size=1, max_size=8)),
        st.tuples(st.just("post"), IDS),
        st.tuples(st.just("push_newer"), st.integers(1, 8)),
        st.tuples(st.just("remove"), st.integers(0, 50)),
        st.tuples(st.just("trim"), st.none()),
        st.tuples(st.just("follow"), st.sampled_from(AUTHORS)),
        st.tuples(st.just("rebuild"), st.none()),
        st.tuples(st.just("flush"), st.none()),
    ),
    min_size=15,
    max_size=40,
)


@given(stored=st.sets(IDS, max_size=12), steps=STEPS)
@settings(max_examples=300, suppress_health_check=list(HealthCheck))
def test_any_history_of_a_list_keeps_what_is_due(
    redis_url: str, stored: set[int], steps: list[tuple[str, Any]]
) -> None:
    with redis.Redis.from_url(redis_url) as server:
        server.delete(KEY, LOCK)
        timeline = List(server)
        timeline.stored |= stored
        timeline.followed.add(0)
        timeline.rebuild()
        for step, value in steps:
            getattr(timeline, step)(*([] if value is None else [value]))
            timeline.check()


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_newest_in_a_long_run_of_disorder_is_there(redis_url: str, seed: int) -> None:
    """The product's own sizes; neighbours change places, batches come again, some are hours late."""
    randomness = random.Random(seed)
    with redis.Redis.from_url(redis_url) as server:
        look: Any = server
        look.delete(KEY)
        look.rpush(KEY, COMPLETE)
        pushed: set[int] = set()
        quick = 0
        for begin in range(2**62, 2**62 + 6_000, 120):
            ids = sorted(range(begin, begin + 120), key=lambda one: one + randomness.choice((0, 0, 0, 9)))
            if randomness.random() < 0.3:
                ids += randomness.sample(sorted(pushed), min(len(pushed), 30))
            if randomness.random() < 0.3:
                ids += ids[:40]
            look.lpush(KEY, *ids)
            pushed |= set(ids)
            if look.llen(KEY) > LONGEST:
                quick += look.eval(TRIM.source, 1, KEY, *arguments(CAPACITY))
                assert look.llen(KEY) <= CAPACITY + 2
            parsed = parse_timeline(look.lrange(KEY, 0, -1))
            assert parsed.complete
            assert parsed.ids.tolist() == sorted(pushed, reverse=True)[:CAPACITY]
        assert quick


def test_a_trim_of_what_came_in_order_reads_no_more_than_that(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as server:
        look: Any = server
        look.delete(KEY)
        # What is in order by its mark is believed: nothing below it is read.
        look.rpush(KEY, *range(2**62 + 5, 2**62, -1), b"-1", *range(2**62, 2**62 - CAPACITY, -1), CUT)
        assert look.eval(TRIM.source, 1, KEY, *arguments(CAPACITY)) == 1
        kept = [b"%d" % one for one in range(2**62 + 5, 2**62 + 5 - CAPACITY, -1)]
        assert look.lrange(KEY, 0, -1) == [b"-1", *kept, CUT]


@pytest.mark.parametrize("tail", [CUT, COMPLETE, BUILDING])
def test_a_list_whose_order_is_lost_says_so(redis_url: str, tail: bytes) -> None:
    with redis.Redis.from_url(redis_url) as server:
        look: Any = server
        look.delete(KEY)
        # All that was in order has been deleted.
        look.rpush(KEY, 9, 7, b"-1", tail)
        assert parse_timeline(look.lrange(KEY, 0, -1)).complete == (tail == COMPLETE)
        look.eval(TRIM.source, 1, KEY, *arguments(CAPACITY))
        items = look.lrange(KEY, 0, -1)
        assert items == [b"-1", b"9", b"7", BUILDING if tail == CUT else tail]
