"""The client says what went wrong in the problem's own words, and sends what the API asks for."""

from __future__ import annotations

import json

import httpx
import pytest

from core.errors import Unavailable
from feed_api.schemas import ClientEvents
from feed_api.write_schemas import NewTweet
from simulation.client import FeedClient, event


def _client(answer: httpx.Response | Exception, seen: list[httpx.Request]) -> httpx.AsyncClient:
    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return httpx.AsyncClient(transport=httpx.MockTransport(handle), base_url="http://feed")


async def test_a_post_carries_its_key_and_token() -> None:
    seen: list[httpx.Request] = []
    async with _client(httpx.Response(201, json={"tweet_id": "1"}), seen) as http:
        assert await FeedClient(http, "t0").post("hello", "k1") == {"tweet_id": "1"}
    (request,) = seen
    assert (request.method, request.url.path) == ("POST", "/v1/tweets")
    assert request.headers["Idempotency-Key"] == "k1"
    assert request.headers["Authorization"] == "Bearer t0"
    assert json.loads(request.content) == {"text": "hello"}


async def test_what_is_done_to_a_tweet_is_sent_as_the_api_asks_for_it() -> None:
    seen: list[httpx.Request] = []
    async with _client(httpx.Response(201, json={"tweet_id": "8"}), seen) as http:
        client = FeedClient(http, "t0")
        assert (await client.reply(7, "so it is"), await client.retweet(7)) == (8, 8)
        await client.like(7)
        await client.unlike(7)
    async with _client(httpx.Response(204), seen) as http:
        await FeedClient(http, "t0").delete(7)
    assert [(request.method, request.url.path) for request in seen] == [
        ("POST", "/v1/tweets"),
        ("POST", "/v1/tweets"),
        ("POST", "/v1/tweets/7/like"),
        ("DELETE", "/v1/tweets/7/like"),
        ("DELETE", "/v1/tweets/7"),
    ]
    bodies = [json.loads(request.content) for request in seen[:2]]
    assert bodies == [{"text": "so it is", "reply_to_tweet_id": "7"}, {"retweet_of": "7"}]
    assert NewTweet.model_validate(bodies[0]).reply_to_tweet_id == 7


@pytest.mark.parametrize("answer", [httpx.Response(503, text="not just now"), httpx.ConnectError("refused")])
async def test_what_fails_is_unavailable_in_its_own_words(answer: httpx.Response | Exception) -> None:
    async with _client(answer, []) as http:
        with pytest.raises(Unavailable, match=r"GET /v1/feed: .*(not just now|refused)"):
            await FeedClient(http, "t0").feed(algorithm="ranked")


def test_an_event_is_one_that_the_api_takes() -> None:
    events = [
        event("seen", "A" * 60, "e1", at_ms=1_700_000_000_123),
        event("dwell", "A" * 60, "e2", at_ms=1_700_000_000_000, value_ms=5),
    ]
    read = ClientEvents.model_validate({"events": events})
    assert [one.value_ms for one in read.events] == [None, 5]
    assert round(read.events[0].client_ts.timestamp() * 1000) == 1_700_000_000_123


async def test_a_503_is_asked_again_after_as_long_as_it_says() -> None:
    answers = [httpx.Response(503, headers={"Retry-After": "0"}), httpx.Response(200, json={"tweets": []})]
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answers[min(len(seen), len(answers)) - 1]

    async with httpx.AsyncClient(transport=httpx.MockTransport(handle), base_url="http://feed") as http:
        assert await FeedClient(http, "t0", retries=2).feed(algorithm="ranked") == {"tweets": []}
        assert len(seen) == 2
        seen.clear()
        with pytest.raises(Unavailable, match="503"):
            await FeedClient(http, "t0").feed(algorithm="ranked")
