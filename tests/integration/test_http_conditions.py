"""What a client has already is not sent again, is not served again, and is not shown when it changed."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import polars as pl
import pytest

from stores.lake import LakeReader
from tests.e2e.live_stack import LiveStack
from tests.e2e.people import Person, make_people
from tests.e2e.waiting import eventually

CACHE_CONTROL = "private, no-cache, stale-if-error=300"


async def feed(person: Person, tag: str | None = None, **parameters: str | int) -> httpx.Response:
    headers = {} if tag is None else {"If-None-Match": tag}
    return await person.call("GET", "/v1/feed", params=parameters, headers=headers)


def check_not_modified(answer: httpx.Response, tag: str) -> None:
    assert answer.status_code == 304, answer.text
    assert answer.content == b""
    assert (answer.headers["etag"], answer.headers["cache-control"]) == (tag, CACHE_CONTROL)
    assert answer.headers["vary"] == "Authorization"
    assert answer.headers["x-request-id"]
    assert "content-type" not in answer.headers


@pytest.fixture
async def pair(stack: LiveStack, http: httpx.AsyncClient) -> tuple[Person, Person]:
    """A reader of a writer, who has posted three times."""
    reader, writer = await make_people(stack, http, 2)
    await reader.follow(writer)
    posted = [await writer.post(f"tweet {number}") for number in range(3)]

    async def arrived() -> bool:
        return await reader.feed_ids() == posted[::-1]

    await eventually("the tweets are there", arrived)
    return reader, writer


@pytest.mark.parametrize("algorithm", ["chronological", "ranked"])
async def test_a_feed_that_did_not_change(algorithm: str, pair: tuple[Person, Person]) -> None:
    reader, writer = pair
    first = await feed(reader, algorithm=algorithm)
    assert first.headers["cache-control"] == CACHE_CONTROL
    assert first.headers["vary"] == "Authorization"
    tag = first.headers["etag"]
    assert tag.startswith('W/"')
    for known in (tag, tag.removeprefix("W/"), "*", f'"other", {tag}'):
        check_not_modified(await feed(reader, known, algorithm=algorithm), tag)
    for unknown in ('"other"', "nonsense", ""):
        assert (await feed(reader, unknown, algorithm=algorithm)).status_code == 200
    # Another page size is another page, with one more tweet it is another feed.
    assert (await feed(reader, tag, algorithm=algorithm, limit=2)).status_code == 200
    newest = await writer.post("one more")

    async def changed() -> bool:
        answer = await feed(reader, tag, algorithm=algorithm)
        return answer.status_code == 200 and int(answer.json()["tweets"][0]["tweet_id"]) == newest

    await eventually("the feed changed", changed)


async def test_tags_are_the_viewers_own(stack: LiveStack, http: httpx.AsyncClient) -> None:
    ada, bob = await make_people(stack, http, 2)
    tags = [(await feed(person)).headers["etag"] for person in (ada, bob)]
    assert tags[0] != tags[1]
    assert (await feed(bob, tags[0])).status_code == 200


async def test_later_pages_have_no_tag(pair: tuple[Person, Person]) -> None:
    reader, _ = pair
    cursor = (await reader.page(limit=1))["next_cursor"]
    later = await feed(reader, "*", limit=1, cursor=cursor)
    assert later.status_code == 200
    assert "etag" not in later.headers
    assert later.headers["cache-control"] == CACHE_CONTROL


async def test_what_was_not_sent_was_not_served(stack: LiveStack, pair: tuple[Person, Person]) -> None:
    reader, _ = pair
    first = await feed(reader, limit=7)
    again = await feed(reader, first.headers["etag"], limit=7)
    assert again.status_code == 304
    await feed(reader, limit=7)
    await stack.drained()
    served = LakeReader(stack.home.lake).scan("served").filter(pl.col("viewer") == reader.user_id).collect()
    requests = set(served["request_id"].to_list())
    assert uuid.UUID(first.json()["meta"]["request_id"]).hex in requests
    assert uuid.UUID(again.headers["x-request-id"]).hex not in requests


async def test_a_tweet_and_a_profile(pair: tuple[Person, Person]) -> None:
    reader, writer = pair
    tweet_id = (await reader.page(limit=1))["tweets"][0]["tweet_id"]
    for path in (f"/v1/tweets/{tweet_id}", f"/v1/users/{writer.user_id}"):
        first = await reader.call("GET", path)
        tag = first.headers["etag"]
        assert first.headers["cache-control"] == CACHE_CONTROL
        check_not_modified(await reader.call("GET", path, headers={"If-None-Match": tag}), tag)
        check_not_modified(await reader.call("GET", path, headers={"If-None-Match": "*"}), tag)
        other = await reader.call("GET", path, headers={"If-None-Match": '"other"'})
        assert (other.status_code, other.content) == (200, first.content)


async def test_several_headers_are_one_list(stack: LiveStack, pair: tuple[Person, Person]) -> None:
    reader, writer = pair
    path = f"/v1/users/{writer.user_id}"
    tag = (await reader.call("GET", path)).headers["etag"]
    headers = [*reader.headers.items(), ("If-None-Match", '"other"'), ("If-None-Match", tag)]
    async with httpx.AsyncClient(base_url=stack.url) as http:
        check_not_modified(await http.get(path, headers=headers), tag)


async def test_what_is_not_there_is_not_known(pair: tuple[Person, Person]) -> None:
    reader, _ = pair
    answer = await reader.call("GET", "/v1/tweets/1", headers={"If-None-Match": "*"})
    assert answer.status_code == 404
    assert "etag" not in answer.headers


async def test_a_refresh_heals_a_list_that_lost_something(
    stack: LiveStack, pair: tuple[Person, Person]
) -> None:
    reader, _ = pair
    # The follow's backfill would heal it as well.
    await stack.drained()
    whole = await reader.feed_ids()
    key = f"tl:{{{reader.user_id}}}"
    with stack.redis() as redis:
        redis.lrem(key, 0, str(whole[1]))
    assert await _ids(reader) == [whole[0], whole[2]]
    assert await _ids(reader, refresh="0") == [whole[0], whole[2]]
    assert await _ids(reader, refresh="1") == whole
    assert await _ids(reader) == whole


async def test_a_refresh_that_finds_nothing_new_is_not_sent(pair: tuple[Person, Person]) -> None:
    reader, _ = pair
    tag = (await feed(reader)).headers["etag"]
    check_not_modified(await feed(reader, tag, refresh="1"), tag)


async def _ids(reader: Person, **parameters: str) -> list[int]:
    tweets: list[dict[str, Any]] = (await reader.page(**parameters))["tweets"]
    return [int(tweet["tweet_id"]) for tweet in tweets]
