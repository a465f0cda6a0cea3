"""Nothing in Redis is truth: flushed or killed, the feed is the same as before."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence

import httpx
import pytest

from tests.e2e.crowd import CLIENTS, Crowd, check_feeds
from tests.e2e.fans import Fans, check_fans
from tests.e2e.live_stack import LiveStack
from tests.e2e.people import Person, make_people
from tests.e2e.stubborn import Stubborn
from tests.e2e.warmth import noted_as_active, preheated
from timelines.layout import parse_timeline, timeline_key

FANS = 12
FLUSHES = 6
ROUNDS = 3


@pytest.fixture
async def circle(stack: LiveStack, http: httpx.AsyncClient) -> tuple[Crowd, Sequence[Person]]:
    """Three authors, and four viewers who follow them all and have a timeline."""
    people = await make_people(stack, http, 7)
    authors, viewers = people[:3], people[3:]
    for viewer in viewers:
        for author in authors:
            await viewer.follow(author)
        await viewer.page()
    return Crowd(authors), viewers


@pytest.mark.flush
async def test_after_a_flush_the_feed_is_the_same(
    stack: LiveStack, http: httpx.AsyncClient, circle: tuple[Crowd, Sequence[Person]]
) -> None:
    crowd, viewers = circle
    await crowd.post(2)
    # One who unfollows, and one who came late: their feeds differ from the others'.
    await viewers[0].unfollow(crowd.author_of("c-0-0"))
    (late,) = await make_people(stack, http, 1)
    await late.follow(crowd.author_of("c-1-0"))
    await stack.drained()
    readers = [*viewers, late, crowd.author_of("c-2-0")]
    before = [await reader.feed(limit=7) for reader in readers]
    with stack.redis() as redis:
        redis.flushall()
    after = [await reader.feed(limit=7) for reader in readers]
    for one, other in zip(before, after, strict=True):
        assert [tweet["tweet_id"] for tweet in one] == [tweet["tweet_id"] for tweet in other]
        assert [tweet["text"] for tweet in one] == [tweet["text"] for tweet in other]
    assert len(before[0]) < len(before[1])


@pytest.mark.flush
async def test_flushes_while_people_post_read_and_react_lose_nothing(
    stack: LiveStack, http: httpx.AsyncClient, circle: tuple[Crowd, Sequence[Person]]
) -> None:
    crowd, viewers = circle
    people = await make_people(stack, http, FANS + 3)
    fans = Fans(people[:FANS], people[FANS:], Stubborn(), lambda: list(crowd.tweet_ids.values())[-20:])
    posting = asyncio.create_task(crowd.post(ROUNDS))

    async def read() -> None:
        while not posting.done():
            await asyncio.gather(*(viewer.page(limit=20) for viewer in viewers))

    async def react(number: int) -> None:
        for turn in itertools.count():
            if posting.done():
                return
            await fans.turn(number, turn)

    reading = asyncio.gather(read(), *(react(number) for number in range(FANS)))
    with stack.redis() as redis:
        for number in range(1, FLUSHES + 1):
            await crowd.acknowledged(number * ROUNDS * CLIENTS // (FLUSHES + 1))
            redis.flushall()
    await posting
    await reading
    await stack.drained()
    await check_feeds(crowd, viewers)
    await check_fans(stack, fans)


@pytest.mark.flush
async def test_the_timelines_of_those_who_read_are_back_before_they_read_again(
    stack: LiveStack, http: httpx.AsyncClient, circle: tuple[Crowd, Sequence[Person]]
) -> None:
    crowd, viewers = circle
    (sleeper,) = await make_people(stack, http, 1)
    await sleeper.follow(crowd.author_of("c-0-0"))
    await crowd.post(1)
    await stack.drained()
    await noted_as_active(stack, viewers)
    with stack.redis() as redis:
        redis.flushall()
        await preheated(redis)
        newest_first = sorted(crowd.tweet_ids.values(), reverse=True)
        for viewer in viewers:
            listed = redis.lrange(timeline_key(viewer.user_id), 0, -1)
            assert isinstance(listed, list)
            assert parse_timeline(listed).complete
            assert parse_timeline(listed).ids.tolist() == newest_first
        # Who never reads has no timeline, whatever happens.
        assert not redis.exists(timeline_key(sleeper.user_id))
    await check_feeds(crowd, viewers)


async def test_while_redis_is_dead_the_feed_answers_and_then_it_heals(
    stack: LiveStack, circle: tuple[Crowd, Sequence[Person]]
) -> None:
    crowd, viewers = circle
    await crowd.post(1)
    posting = asyncio.create_task(crowd.post(ROUNDS))
    former = stack.kill("redis")
    # Whatever Redis is doing just now, every one of these answers.
    pages = [await viewer.page(limit=20) for _ in range(5) for viewer in viewers]
    assert all(len(page["tweets"]) == 20 for page in pages)
    await posting
    stack.await_restart("redis", former)
    await stack.drained()
    await check_feeds(crowd, viewers)
    assert "redis ended (signal SIGKILL)" in stack.words()
