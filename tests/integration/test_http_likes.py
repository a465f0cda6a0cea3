"""Likes over HTTP: one a user, whoever asks how often."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import httpx
import pytest

from tests.e2e.live_stack import LiveStack
from tests.e2e.people import Person, make_people
from tests.e2e.waiting import eventually


@pytest.fixture
async def liked(stack: LiveStack, http: httpx.AsyncClient) -> tuple[int, list[Person]]:
    """A tweet, and people who may like it; its author is the first."""
    people = list(await make_people(stack, http, 4))
    return await people[0].post("x"), people


def likers(stack: LiveStack, tweet_id: int) -> set[int]:
    with closing(sqlite3.connect(stack.home.facts)) as facts:
        rows = facts.execute("SELECT user FROM likes WHERE tweet = ? AND is_on = 1", (tweet_id,)).fetchall()
    return {user for (user,) in rows}


async def test_a_like_is_given_once_and_taken_back_once(
    stack: LiveStack, liked: tuple[int, list[Person]]
) -> None:
    tweet_id, (ada, bob, *_) = liked
    assert await bob.unlike(tweet_id) == 0
    for _ in range(3):
        # Where a recount was faster than the hint it is counted twice, until the next recount.
        assert await bob.like(tweet_id) in (1, 2)

    async def counted_once() -> bool:
        return await bob.like(tweet_id) == 1

    await eventually("it is counted once", counted_once)
    assert likers(stack, tweet_id) == {bob.user_id}
    # One may like what one wrote.
    assert await ada.like(tweet_id) >= 1
    assert likers(stack, tweet_id) == {ada.user_id, bob.user_id}
    for _ in range(3):
        answer = await bob.call("DELETE", f"/v1/tweets/{tweet_id}/like")
        assert not answer.json()["liked"]
    assert likers(stack, tweet_id) == {ada.user_id}


async def test_likes_at_once_count_once(stack: LiveStack, liked: tuple[int, list[Person]]) -> None:
    tweet_id, people = liked
    await asyncio.gather(*(person.like(tweet_id) for person in people for _ in range(10)))
    assert likers(stack, tweet_id) == {person.user_id for person in people}
    with closing(sqlite3.connect(stack.home.facts)) as facts:
        (told,) = facts.execute(
            "SELECT count(*) FROM log WHERE topic = 'edges.v1' AND key = ?", (tweet_id,)
        ).fetchone()
    assert told == len(people)
    await asyncio.gather(*(person.unlike(tweet_id) for person in people for _ in range(10)))
    assert likers(stack, tweet_id) == set()
