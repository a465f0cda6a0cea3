"""GET /v1/tweets/{id}, GET /v1/users/{id}/tweets and the feed over HTTP, with all that there is to read."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from core.clock import SystemClock
from core.ids import EPOCH_MS, TweetId, UserId, compose_id
from core.types import Tweet
from feed_api.signatures import Signer
from ranking.query import FeedPosition
from stores.ports import OutboxRecord
from tests.e2e.live_stack import LiveStack
from tests.e2e.people import Person, make_people
from wiring.resources import Stores, open_files

_moments = itertools.count(SystemClock().now_ms() - 90 * 86_400_000, 86_400_000)
"""A day between any two tweets, so that pages go over months."""


@dataclass(frozen=True, slots=True)
class Place:
    """People, and the store of the stack that they use: what was there before anybody read."""

    stack: LiveStack
    stores: Stores
    reader: Person
    ada: Person
    bob: Person

    async def post(
        self, author: Person, *, reply_to: int | None = None, retweet_of: int | None = None
    ) -> int:
        moment = next(_moments)
        tweet = Tweet(
            TweetId(compose_id(moment, 31, 31, 0)),
            UserId(author.user_id),
            "" if retweet_of else f"at {moment}",
            moment,
            None if reply_to is None else TweetId(reply_to),
            None if retweet_of is None else TweetId(retweet_of),
        )
        await self.stores.tweets.create(tweet, None, [])
        return tweet.tweet_id

    async def delete(self, tweet_id: int) -> None:
        (tweet,) = (await self.stores.tweets.get_many([tweet_id])).values()
        await self.stores.tweets.delete(tweet, ver=tweet_id + 1, outbox=[])

    async def block(self, one: Person, other: Person) -> None:
        def told(follower: UserId, followee: UserId, ver: int) -> OutboxRecord:
            raise AssertionError("they follow each other")

        users = UserId(one.user_id), UserId(other.user_id)
        await self.stores.graph.set_block(*users, on=True, ver=1, outbox=[], ended=told)


@pytest.fixture
async def place(stack: LiveStack, http: httpx.AsyncClient) -> AsyncIterator[Place]:
    with open_files(stack.home, SystemClock()) as stores:
        yield Place(stack, stores, *await make_people(stack, http, 3))


async def of_user(person: Person, user: Person, **parameters: Any) -> httpx.Response:
    return await person.call("GET", f"/v1/users/{user.user_id}/tweets", params=parameters)


async def all_of_user(person: Person, user: Person, limit: int) -> list[dict[str, Any]]:
    tweets: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await of_user(person, user, limit=limit, **cursor)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        tweets += body["tweets"]
        assert body["has_more"] == (body["next_cursor"] is not None)
        assert len(body["tweets"]) == limit or not body["has_more"]
        if not body["has_more"]:
            return tweets
        cursor = {"cursor": body["next_cursor"]}


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "etag" not in answer.headers


async def test_a_retweet_comes_with_its_original(place: Place) -> None:
    original = await place.post(place.bob)
    reply = await place.post(place.ada, reply_to=original)
    retweet = await place.post(place.ada, retweet_of=original)
    answer = await place.reader.call("GET", f"/v1/tweets/{retweet}")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["retweet_of"], body["text"]) == (str(original), "")
    assert body["author"]["user_id"] == str(place.ada.user_id)
    assert body["original"]["author"]["user_id"] == str(place.bob.user_id)
    assert body["original"]["text"]
    assert body["engagement"] == {"likes": 0, "retweets": 1, "replies": 1, "likes_display": "0"}
    assert (await place.reader.call("GET", f"/v1/tweets/{reply}")).json()["original"] is None


async def test_what_was_deleted_is_gone_and_what_never_was_is_not_found(place: Place) -> None:
    original = await place.post(place.bob)
    retweet = await place.post(place.ada, retweet_of=original)
    await place.delete(original)
    for one in (original, retweet):
        refused(await place.reader.call("GET", f"/v1/tweets/{one}"), 410, "gone")
    refused(await place.reader.call("GET", f"/v1/tweets/{compose_id(EPOCH_MS, 1, 1, 1)}"), 404, "not_found")


@pytest.mark.parametrize("way", ["blocks", "is blocked"])
async def test_nothing_is_found_across_a_block(way: str, place: Place) -> None:
    theirs = await place.post(place.bob)
    repeated = await place.post(place.ada, retweet_of=theirs)
    deleted = await place.post(place.bob)
    own = await place.post(place.ada)
    await place.delete(deleted)
    pair = (place.reader, place.bob)
    await place.block(*(pair if way == "blocks" else pair[::-1]))
    for one in (theirs, repeated, deleted):
        refused(await place.reader.call("GET", f"/v1/tweets/{one}"), 404, "not_found")
    refused(await of_user(place.reader, place.bob), 404, "not_found")
    shown = (await of_user(place.reader, place.ada)).json()["tweets"]
    assert [int(one["tweet_id"]) for one in shown] == [own]
    # Others see them.
    assert (await place.ada.call("GET", f"/v1/tweets/{theirs}")).status_code == 200


@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_a_users_tweets_are_read_to_the_very_end(limit: int, place: Place) -> None:
    originals = [await place.post(place.bob) for _ in range(3)]
    posted = [await place.post(place.ada) for _ in range(7)]
    retweets = [await place.post(place.ada, retweet_of=one) for one in originals]
    await place.delete(originals[1])
    await place.delete(posted[4])
    expected = [retweets[2], retweets[0], *(one for one in posted[::-1] if one != posted[4])]
    found = await all_of_user(place.reader, place.ada, limit)
    assert [int(one["tweet_id"]) for one in found] == expected
    assert [one["original"] is not None for one in found] == [True, True] + [False] * 6
    assert (await all_of_user(place.ada, place.ada, limit)) == found


async def test_a_page_that_did_not_change_is_not_sent_again(place: Place) -> None:
    await place.post(place.ada)
    path = f"/v1/users/{place.ada.user_id}/tweets"
    first = await place.reader.call("GET", path)
    tag = first.headers["etag"]
    again = await place.reader.call("GET", path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    await place.post(place.ada)
    assert (await place.reader.call("GET", path, headers={"If-None-Match": tag})).status_code == 200


async def test_somebody_without_tweets_and_nobody(place: Place) -> None:
    answer = await of_user(place.reader, place.ada)
    assert answer.json() == {"tweets": [], "next_cursor": None, "has_more": False}
    nobody = await place.reader.call("GET", "/v1/users/9/tweets")
    refused(nobody, 404, "not_found")
    assert nobody.json()["field"] == "user_id"


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=NaN", "limit=-1", "limit=1.5", "more=1", "algorithm=ranked"]
)
async def test_parameters_that_are_none(query: str, place: Place) -> None:
    answer = await place.reader.call("GET", f"/v1/users/{place.ada.user_id}/tweets?{query}")
    refused(answer, 422, "invalid_field")
    assert answer.json()["field"] == query.partition("=")[0]


async def test_cursors_that_are_not_this_ones(place: Place) -> None:
    for author in (place.ada, place.bob):
        for _ in range(3):
            await place.post(author)
    await place.reader.follow(place.ada)
    own = (await of_user(place.reader, place.ada, limit=1)).json()["next_cursor"]
    others_page = (await of_user(place.reader, place.bob, limit=1)).json()["next_cursor"]
    foreign = (await of_user(place.bob, place.ada, limit=1)).json()["next_cursor"]
    signer, viewer = Signer(place.stack.keys.secret), UserId(place.reader.user_id)
    feed = signer.cursor(viewer, FeedPosition("c", below=2**60, top=2**61))
    for bad in ("", "x", own[:-1], own + "A", own.swapcase(), "A" * 201, others_page, foreign, feed):
        answer = await of_user(place.reader, place.ada, cursor=bad)
        refused(answer, 400, "cursor_invalid")
        assert answer.json()["field"] == "cursor"
    refused(await place.reader.call("GET", "/v1/feed", params={"cursor": own}), 400, "cursor_invalid")
    assert (await place.reader.call("GET", "/v1/feed", params={"cursor": feed})).status_code == 200


async def test_a_feed_has_each_root_once_and_nobody_who_is_hidden(place: Place) -> None:
    liked = await place.post(place.bob)
    plain = [await place.post(place.ada) for _ in range(4)]
    newest = await place.post(place.ada, retweet_of=liked)
    for author in (place.ada, place.bob):
        await place.reader.follow(author)

    async def feed(limit: int) -> list[int]:
        return await place.reader.feed_ids(limit=limit)

    for limit in (1, 2, 100):
        assert await feed(limit) == [newest, *plain[::-1]]
    (item,) = (await place.reader.page(limit=1))["tweets"]
    assert item["original"]["tweet_id"] == str(liked)
    assert item["engagement"]["retweets"] == 1
    tracked = Signer(place.stack.keys.secret).read_tracking(UserId(place.reader.user_id), item["tracking"])
    assert (tracked.tweet, tracked.author) == (liked, place.bob.user_id)
    users = UserId(place.reader.user_id), UserId(place.bob.user_id)
    await place.stores.graph.set_mute(*users, on=True, ver=1, outbox=[])
    with place.stack.redis() as redis:
        redis.flushall()
    for limit in (1, 2, 100):
        assert await feed(limit) == plain[::-1]
