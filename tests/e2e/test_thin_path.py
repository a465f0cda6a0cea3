"""From a tweet to a feed, as an app sees it: HTTP only, against real processes and a real Redis."""

from __future__ import annotations

import asyncio
import uuid

import httpx
import polars as pl
import pytest

from stores.lake import LakeReader
from tests.e2e.live_stack import LiveStack
from tests.e2e.people import Person, event_of, make_people
from tests.e2e.waiting import eventually


async def test_a_profile_is_made_once_and_read_by_others(stack: LiveStack, http: httpx.AsyncClient) -> None:
    ada, bob = await make_people(stack, http, 2)
    body = {"handle": f"P{ada.user_id}", "display_name": "Ada"}
    again = await ada.call("POST", "/v1/users", json=body)
    assert (again.status_code, again.json()["code"], again.json()["field"]) == (409, "conflict", "user_id")
    stranger = Person(stack, http, 9_000_000_000)
    taken = await stranger.call("POST", "/v1/users", json=body)
    assert (taken.status_code, taken.json()["field"]) == (409, "handle")

    seen = await bob.call("GET", f"/v1/users/{ada.user_id}")
    assert seen.json()["handle"] == f"p{ada.user_id}"
    nobody = await bob.call("GET", "/v1/users/4711")
    assert (nobody.status_code, nobody.json()["code"]) == (404, "not_found")


async def test_nobody_posts_or_follows_without_a_profile(stack: LiveStack, http: httpx.AsyncClient) -> None:
    (ada,) = await make_people(stack, http, 1)
    ghost = Person(stack, http, 9_000_000_001)
    assert (await ghost.call("POST", "/v1/tweets", json={"text": "boo"})).status_code == 403
    assert (await ghost.call("POST", f"/v1/users/{ada.user_id}/follow")).status_code == 404
    assert (await ada.call("POST", f"/v1/users/{ghost.user_id}/follow")).status_code == 404
    assert (await ada.call("POST", f"/v1/users/{ada.user_id}/follow")).json()["field"] == "user_id"
    assert await ghost.feed_ids() == []


async def test_a_tweet_comes_to_followers_and_is_read_page_by_page(
    stack: LiveStack, http: httpx.AsyncClient
) -> None:
    ada, bob, eve = await make_people(stack, http, 3)
    await bob.follow(ada)
    assert await bob.feed_ids() == []
    posted = [await ada.post(f"tweet {number}") for number in range(7)]

    async def arrived() -> bool:
        return len(await bob.feed_ids()) == len(posted)

    await eventually("the tweets are in the follower's feed", arrived)
    tweets = await bob.feed(limit=3)
    assert [int(tweet["tweet_id"]) for tweet in tweets] == posted[::-1]
    assert [tweet["text"] for tweet in tweets] == [f"tweet {number}" for number in range(6, -1, -1)]
    assert tweets[0]["author"] == {
        "user_id": str(ada.user_id),
        "handle": f"p{ada.user_id}",
        "display_name": f"Person {ada.user_id}",
    }
    # The author has the own tweets, and whoever does not follow has none.
    assert await ada.feed_ids(limit=1) == posted[::-1]
    assert await eve.feed_ids() == []
    one = await eve.call("GET", f"/v1/tweets/{posted[0]}")
    assert one.json()["text"] == "tweet 0"


async def test_authors_see_what_they_posted_at_once(stack: LiveStack, http: httpx.AsyncClient) -> None:
    (ada,) = await make_people(stack, http, 1)
    assert await ada.feed_ids() == []
    for number in range(5):
        posted = await ada.post(f"tweet {number}")
        assert (await ada.feed_ids())[0] == posted


async def test_following_and_unfollowing_change_the_next_feed(
    stack: LiveStack, http: httpx.AsyncClient
) -> None:
    ada, bob, eve = await make_people(stack, http, 3)
    of_ada = [await ada.post(f"a{number}") for number in range(3)]
    of_eve = [await eve.post(f"e{number}") for number in range(3)]
    await bob.follow(ada)
    await bob.follow(ada)
    assert await bob.feed_ids() == of_ada[::-1]
    await bob.follow(eve)

    async def both() -> bool:
        return await bob.feed_ids() == (of_ada + of_eve)[::-1]

    await eventually("what was there before the follow is in the feed", both)
    await bob.unfollow(ada)
    assert await bob.feed_ids() == of_eve[::-1]
    await bob.follow(ada)
    await stack.drained()
    assert await bob.feed_ids() == (of_ada + of_eve)[::-1]


async def test_the_same_key_gives_the_same_bytes(stack: LiveStack, http: httpx.AsyncClient) -> None:
    ada, eve = await make_people(stack, http, 2)
    headers = {"Idempotency-Key": "key 1"}
    first = await ada.call("POST", "/v1/tweets", json={"text": "once"}, headers=headers)
    again = await ada.call("POST", "/v1/tweets", json={"text": "once"}, headers=headers)
    in_body = await ada.call("POST", "/v1/tweets", json={"text": "once", "idempotency_key": "key 1"})
    assert first.status_code == again.status_code == in_body.status_code == 201
    assert first.content == again.content == in_body.content
    assert first.headers["content-type"] == again.headers["content-type"]
    other = await ada.call("POST", "/v1/tweets", json={"text": "other"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    # A key is the user's own.
    hers = await eve.call("POST", "/v1/tweets", json={"text": "other"}, headers=headers)
    assert hers.status_code == 201
    assert hers.json()["tweet_id"] != first.json()["tweet_id"]
    assert len(await ada.feed_ids()) == 1


async def test_a_key_used_by_many_at_once_posts_once(stack: LiveStack, http: httpx.AsyncClient) -> None:
    (ada,) = await make_people(stack, http, 1)
    answers = await asyncio.gather(
        *(
            ada.call("POST", "/v1/tweets", json={"text": "once"}, headers={"Idempotency-Key": "k"})
            for _ in range(20)
        )
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    await stack.drained()
    assert await ada.feed_ids() == [int(answers[0].json()["tweet_id"])]


async def test_the_same_key_is_no_bar_to_another_attempt_after_a_refusal(
    stack: LiveStack, http: httpx.AsyncClient
) -> None:
    (ada,) = await make_people(stack, http, 1)
    headers = {"Idempotency-Key": "k"}
    refused = await ada.call("POST", "/v1/tweets", json={"text": ""}, headers=headers)
    assert refused.status_code == 422
    assert (await ada.call("POST", "/v1/tweets", json={"text": "x"}, headers=headers)).status_code == 201


async def test_what_was_seen_comes_to_the_lake_once(stack: LiveStack, http: httpx.AsyncClient) -> None:
    ada, bob = await make_people(stack, http, 2)
    posted = [await ada.post(f"tweet {number}") for number in range(4)]
    await bob.follow(ada)
    page = await bob.page(limit=4)
    assert [int(tweet["tweet_id"]) for tweet in page["tweets"]] == posted[::-1]
    events = [event_of(tweet, kind) for tweet in page["tweets"] for kind in ("seen", "click", "dwell")]
    genuine = events[0]["tracking"]
    # Another last character, whatever the last one is.
    forged = {
        **events[0],
        "tracking": genuine[:-1] + ("B" if genuine[-1] == "A" else "A"),
        "event_id": "forged",
    }
    foreign = {
        **events[0],
        "tracking": (await ada.page(limit=1))["tweets"][0]["tracking"],
        "event_id": "hers",
    }
    answer = await bob.call("POST", "/v1/events", json={"events": [*events, forged, foreign]})
    assert answer.status_code == 202
    body = answer.json()
    assert body["accepted"] == len(events)
    assert [(one["event_id"], one["code"], one["field"]) for one in body["rejected"]] == [
        ("forged", "invalid_field", "tracking"),
        ("hers", "invalid_field", "tracking"),
    ]
    await stack.drained()
    views = LakeReader(stack.home.lake).scan("views").filter(pl.col("viewer") == bob.user_id).collect()
    assert sorted(zip(views["tweet"].to_list(), views["kind"].to_list(), strict=True)) == sorted(
        (tweet_id, kind) for tweet_id in posted for kind in ("seen", "click", "dwell")
    )
    assert set(views["author"].to_list()) == {ada.user_id}
    assert set(views["position"].to_list()) == {0, 1, 2, 3}
    served = LakeReader(stack.home.lake).scan("served").filter(pl.col("viewer") == bob.user_id).collect()
    of_page = served.filter(pl.col("request_id") == uuid.UUID(page["meta"]["request_id"]).hex)
    assert of_page.sort("position")["tweet"].to_list() == posted[::-1]


async def test_ranked_without_a_model_is_chronological_and_says_so(
    stack: LiveStack, http: httpx.AsyncClient
) -> None:
    ada, bob = await make_people(stack, http, 2)
    await bob.follow(ada)
    posted = [await ada.post(f"tweet {number}") for number in range(5)]
    tweets = await bob.feed(limit=2, algorithm="ranked")
    assert [int(tweet["tweet_id"]) for tweet in tweets] == posted[::-1]
    meta = (await bob.page(algorithm="ranked"))["meta"]
    assert (meta["algorithm_asked"], meta["algorithm_served"]) == ("ranked", "chronological")
    assert (meta["rung"], meta["reason"], meta["model"]) == ("chronological", "no_model", None)


async def test_who_follows_nobody_asks_for_ranked_and_has_what_is_popular(
    stack: LiveStack, http: httpx.AsyncClient
) -> None:
    ada, bob, eve = await make_people(stack, http, 3)
    posted = await ada.post("something for everybody")
    await bob.like(posted)

    async def popular() -> bool:
        page = await eve.page(algorithm="ranked", limit=100)
        meta = page["meta"]
        assert meta["reason"] in ("no_candidates", "no_model")
        return meta["rung"] == "popular" and posted in [int(tweet["tweet_id"]) for tweet in page["tweets"]]

    await eventually("what is popular is in a newcomer's feed", popular)
    assert await eve.feed_ids() == []


@pytest.mark.parametrize(
    "path", ["/health/live", "/health/ready", "/metrics", "/openapi.json", "/.well-known/jwks.json"]
)
async def test_some_routes_need_no_token(path: str, http: httpx.AsyncClient) -> None:
    answer = await http.get(path)
    assert answer.status_code == 200
    assert answer.headers["x-request-id"]
    assert "total;dur=" in answer.headers["server-timing"]


async def test_readiness_names_its_neighbours(http: httpx.AsyncClient) -> None:
    states = (await http.get("/health/ready")).json()
    assert states.pop("status") == "ready"
    assert {"store", "redis"} <= set(states)
    assert set(states.values()) == {"ok"}
