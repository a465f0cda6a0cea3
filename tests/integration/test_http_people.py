"""Blocks, mutes and profiles over HTTP: what holds at once, for whom."""

from __future__ import annotations

import asyncio
import itertools

import httpx
import pytest

from core.clock import SystemClock
from core.ids import UserId
from tests.e2e.live_stack import LiveStack
from tests.e2e.people import Person, make_people
from wiring.resources import open_files

_newcomers = itertools.count(8_700_000_001)


@pytest.fixture
async def pair(stack: LiveStack, http: httpx.AsyncClient) -> tuple[Person, Person]:
    ada, bob = await make_people(stack, http, 2)
    return ada, bob


async def act(person: Person, method: str, other: Person, edge: str) -> httpx.Response:
    return await person.call(method, f"/v1/users/{other.user_id}/{edge}")


@pytest.mark.parametrize(
    ("edge", "name"), [("block", "blocking"), ("mute", "muting"), ("follow", "following")]
)
async def test_an_edge_is_set_and_removed_however_often(
    edge: str, name: str, stack: LiveStack, pair: tuple[Person, Person]
) -> None:
    ada, bob = pair
    for method, on in (
        ("DELETE", False),
        ("POST", True),
        ("POST", True),
        ("DELETE", False),
        ("DELETE", False),
    ):
        answer = await act(ada, method, bob, edge)
        assert (answer.status_code, answer.json()) == (200, {"user_id": str(bob.user_id), name: on})
    with open_files(stack.home, SystemClock()) as stores:
        hidden = await stores.graph.hidden(UserId(ada.user_id))
        followees = await stores.graph.followees(UserId(ada.user_id))
    assert (hidden.blocked.size, hidden.muted.size, followees.ids.size) == (0, 0, 0)


async def test_a_block_ends_follows_both_ways_at_once_and_for_good(pair: tuple[Person, Person]) -> None:
    ada, bob = pair
    tweets = {ada: await ada.post("ada's"), bob: await bob.post("bob's")}
    await ada.follow(bob)
    await bob.follow(ada)
    for one, other in ((ada, bob), (bob, ada)):
        assert set(await one.feed_ids()) == {tweets[one], tweets[other]}
    assert (await act(ada, "POST", bob, "block")).status_code == 200
    for one in (ada, bob):
        assert await one.feed_ids() == [tweets[one]]
    assert (await act(ada, "DELETE", bob, "block")).status_code == 200
    for one in (ada, bob):
        assert await one.feed_ids() == [tweets[one]]


@pytest.mark.parametrize("edge", ["block", "mute"])
async def test_who_is_hidden_is_hidden_at_once_and_until_it_ends(
    edge: str, stack: LiveStack, http: httpx.AsyncClient
) -> None:
    ada, bob, eve = await make_people(stack, http, 3)
    original = await bob.post("bob's")
    own = await eve.post("eve's")
    retweet = await eve.retweet(original)
    for other in (bob, eve):
        await ada.follow(other)
    await stack.drained()
    assert await ada.feed_ids() == [retweet, own]
    assert (await act(ada, "POST", bob, edge)).status_code == 200
    # Nor what others repeat of it.
    assert await ada.feed_ids() == [own]
    seen = await ada.call("GET", f"/v1/tweets/{original}")
    assert seen.status_code == (404 if edge == "block" else 200)
    assert (await bob.call("GET", f"/v1/tweets/{own}")).status_code == 200
    assert (await act(ada, "DELETE", bob, edge)).status_code == 200
    assert await ada.feed_ids() == [retweet, own]
    assert (await ada.call("GET", f"/v1/tweets/{original}")).status_code == 200


async def test_of_a_block_and_a_follow_at_once_the_block_stands(
    stack: LiveStack, http: httpx.AsyncClient
) -> None:
    for _ in range(10):
        ada, bob = await make_people(stack, http, 2)
        blocked, *follows = await asyncio.gather(
            act(ada, "POST", bob, "block"), act(ada, "POST", bob, "follow"), act(bob, "POST", ada, "follow")
        )
        assert blocked.status_code == 200
        assert {answer.status_code for answer in follows} <= {200, 403}
        with open_files(stack.home, SystemClock()) as stores:
            for one in (ada, bob):
                assert (await stores.graph.followees(UserId(one.user_id))).ids.size == 0


async def test_a_profile_is_changed_and_read_at_once(pair: tuple[Person, Person]) -> None:
    ada, bob = pair
    path = f"/v1/users/{ada.user_id}"
    before = (await bob.call("GET", path)).json()
    tweet_id = await ada.post("x")
    for name in ("Augusta", "Ada\u0301", "🎉" * 50):
        answer = await ada.call("PATCH", path, json={"display_name": name})
        assert answer.status_code == 200
        shown = (await ada.call("GET", path)).json()
        assert shown == answer.json() == before | {"display_name": shown["display_name"]}
        assert (await ada.call("GET", f"/v1/tweets/{tweet_id}")).json()["author"] == {
            "user_id": before["user_id"],
            "handle": before["handle"],
            "display_name": shown["display_name"],
        }
    assert shown["display_name"] == "🎉" * 50


async def test_changes_at_once_end_in_one_of_them(pair: tuple[Person, Person]) -> None:
    ada, _ = pair
    path = f"/v1/users/{ada.user_id}"
    answers = await asyncio.gather(
        *(ada.call("PATCH", path, json={"display_name": f"Ada {number}"}) for number in range(12))
    )
    assert {answer.status_code for answer in answers} == {200}
    stands = (await ada.call("GET", path)).json()
    assert stands in [answer.json() for answer in answers]
    assert (await ada.call("GET", path)).json() == stands


async def test_a_handle_that_two_take_at_once_is_ones_own(stack: LiveStack, http: httpx.AsyncClient) -> None:
    for turn in range(5):
        newcomers = [Person(stack, http, number) for number in itertools.islice(_newcomers, 6)]
        answers = await asyncio.gather(
            *(
                one.call(
                    "POST",
                    "/v1/users",
                    json={"handle": f"{'Wanted' if number % 2 else 'wANTED'}_{turn}", "display_name": "x"},
                )
                for number, one in enumerate(newcomers)
            )
        )
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
        assert {answer.json()["field"] for answer in answers if answer.status_code == 409} == {"handle"}
        owners = [one for one in newcomers if (await one.call("GET", f"/v1/users/{one.user_id}")).is_success]
        assert len(owners) == 1
