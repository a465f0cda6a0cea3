"""A key makes every write safe to repeat: the first answer byte for byte, and nothing written again."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import httpx
import pytest

from tests.e2e.live_stack import LiveStack
from tests.e2e.people import Person, make_people
from tests.integration.bad_input import refused, rows_of

_newcomers = itertools.count(8_500_000_001)


class Request(NamedTuple):
    """One request, and another that differs in what it asks of the same route."""

    person: Person
    method: str
    path: str
    status: int
    body: dict[str, str]
    other_path: str
    other_body: dict[str, str]

    async def send(self, **options: Any) -> httpx.Response:
        return await self.person.call(self.method, self.path, json=self.body, **options)

    async def other(self, **options: Any) -> httpx.Response:
        return await self.person.call(self.method, self.other_path, json=self.other_body, **options)


class World(NamedTuple):
    stack: LiveStack
    http: httpx.AsyncClient
    ada: Person
    bob: Person
    eve: Person
    tweets: list[int]


Maker = Callable[[World], Awaitable[Request]]
MAKERS: dict[str, Maker] = {}


def posting(**fields: str) -> Maker:
    async def make(world: World) -> Request:
        body, other = (
            {name: value.format(world.tweets[number]) for name, value in fields.items()} for number in (0, 1)
        )
        if body == other:
            other = {"text": "something else"}
        return Request(world.ada, "POST", "/v1/tweets", 201, body, "/v1/tweets", other)

    return make


def acting(method: str, path: str, *, status: int = 200, first: str | None = None) -> Maker:
    """`first` is what is done before, so that the act changes something."""

    async def make(world: World) -> Request:
        paths = [
            path.format(tweet=tweet, user=person.user_id)
            for tweet, person in zip(world.tweets, (world.bob, world.eve), strict=True)
        ]
        if first is not None:
            for one in paths:
                assert (await world.ada.call(first, one)).is_success
        return Request(world.ada, method, paths[0], status, {}, paths[1], {})

    return make


async def _deleting(world: World) -> Request:
    own = [f"/v1/tweets/{await world.ada.post('x')}" for _ in range(2)]
    return Request(world.ada, "DELETE", own[0], 204, {}, own[1], {})


async def _joining(world: World) -> Request:
    newcomer = Person(world.stack, world.http, next(_newcomers))
    body = {"handle": f"n{newcomer.user_id}", "display_name": "New"}
    return Request(newcomer, "POST", "/v1/users", 201, body, "/v1/users", body | {"display_name": "Newer"})


async def _renaming(world: World) -> Request:
    path = f"/v1/users/{world.ada.user_id}"
    return Request(world.ada, "PATCH", path, 200, {"display_name": "Ada"}, path, {"display_name": "Augusta"})


MAKERS |= {
    "a tweet": posting(text="once"),
    "a reply": posting(text="once", reply_to_tweet_id="{}"),
    "a retweet": posting(retweet_of="{}"),
    "a deletion": _deleting,
    "a profile": _joining,
    "a change of a profile": _renaming,
    "a like": acting("POST", "/v1/tweets/{tweet}/like"),
    "the end of a like": acting("DELETE", "/v1/tweets/{tweet}/like", first="POST"),
    **{f"a {edge}": acting("POST", f"/v1/users/{{user}}/{edge}") for edge in ("follow", "block", "mute")},
    **{
        f"the end of a {edge}": acting("DELETE", f"/v1/users/{{user}}/{edge}", first="POST")
        for edge in ("follow", "block", "mute")
    },
}
KINDS = pytest.mark.parametrize("kind", list(MAKERS))


@pytest.fixture
async def world(stack: LiveStack, http: httpx.AsyncClient) -> World:
    ada, bob, eve = await make_people(stack, http, 3)
    return World(stack, http, ada, bob, eve, [await bob.post("bob's"), await eve.post("eve's")])


@KINDS
async def test_a_repeat_is_answered_as_the_first_time(kind: str, world: World) -> None:
    request = await MAKERS[kind](world)
    headers = {"Idempotency-Key": "k 1"}
    first = await request.send(headers=headers)
    assert first.status_code == request.status, first.text
    written = rows_of(world.stack)
    with world.stack.redis() as redis:
        # What a key stands for is in the store.
        redis.flushall()
    in_body = request._replace(body={**request.body, "idempotency_key": "k 1"})
    for again in (
        await request.send(headers=headers),
        await in_body.send(),
        await in_body.send(headers=headers),
    ):
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers.get("content-type") == first.headers.get("content-type")
    assert rows_of(world.stack) == written


@KINDS
async def test_a_key_stands_for_one_request(kind: str, world: World) -> None:
    request = await MAKERS[kind](world)
    headers = {"Idempotency-Key": "k"}
    assert (await request.send(headers=headers)).status_code == request.status
    written = rows_of(world.stack)
    refused(await request.other(headers=headers), "idempotency_mismatch", "idempotency_key")
    elsewhere = await request.person.call("POST", "/v1/tweets", json={"text": "other"}, headers=headers)
    refused(elsewhere, "idempotency_mismatch", "idempotency_key")
    assert rows_of(world.stack) == written
    # Under a key of its own it is a request like any other.
    other = await request.other(headers={"Idempotency-Key": "other"})
    assert other.status_code == (409 if kind == "a profile" else request.status), other.text


@KINDS
async def test_a_key_used_by_many_at_once_writes_once(kind: str, world: World) -> None:
    request = await MAKERS[kind](world)
    before = rows_of(world.stack)
    answers = await asyncio.gather(*(request.send(headers={"Idempotency-Key": "k"}) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {request.status}
    assert len({answer.content for answer in answers}) == 1
    written = rows_of(world.stack)
    assert written["idempotency"] == before["idempotency"] + 1
    assert (await request.send(headers={"Idempotency-Key": "k"})).content == answers[0].content
    assert rows_of(world.stack) == written


@KINDS
async def test_a_repeat_does_not_undo_what_came_after(kind: str, world: World) -> None:
    """A like that was taken back is not given again by a client who had not heard of its first answer."""
    request = await MAKERS[kind](world)
    if not kind.endswith(("like", "follow", "block", "mute")):
        return
    first = await request.send(headers={"Idempotency-Key": "k"})
    opposite = request._replace(method="POST" if request.method == "DELETE" else "DELETE")
    assert (await opposite.send()).status_code == 200
    undone = rows_of(world.stack)
    assert (await request.send(headers={"Idempotency-Key": "k"})).content == first.content
    assert rows_of(world.stack) == undone


async def test_a_refusal_leaves_the_key_free(world: World) -> None:
    headers = {"Idempotency-Key": "k"}
    path = f"/v1/users/{world.bob.user_id}/follow"
    assert (await world.bob.call("POST", f"/v1/users/{world.ada.user_id}/block")).status_code == 200
    refused(await world.ada.call("POST", path, headers=headers), "forbidden", "user_id")
    assert (await world.bob.call("DELETE", f"/v1/users/{world.ada.user_id}/block")).status_code == 200
    assert (await world.ada.call("POST", path, headers=headers)).status_code == 200


async def test_a_key_of_a_second_retweet_stands_for_its_answer(world: World) -> None:
    body, headers = {"retweet_of": str(world.tweets[0])}, {"Idempotency-Key": "k"}
    first = await world.ada.retweet(world.tweets[0])
    second = await world.ada.call("POST", "/v1/tweets", json=body, headers=headers)
    assert (second.status_code, int(second.json()["tweet_id"])) == (201, first)
    await world.ada.delete(first)
    again = await world.ada.call("POST", "/v1/tweets", json=body, headers=headers)
    assert (again.status_code, again.content) == (201, second.content)
    assert await world.ada.retweet(world.tweets[0]) != first


async def test_a_key_is_its_users_own(world: World) -> None:
    path, headers = f"/v1/tweets/{world.tweets[0]}/like", {"Idempotency-Key": "k"}
    for person in (world.ada, world.eve):
        assert (await person.call("POST", path, headers=headers)).status_code == 200
    assert (await world.ada.call("POST", path)).json()["liked"]


async def test_a_like_says_again_what_it_said(world: World) -> None:
    path, headers = f"/v1/tweets/{world.tweets[0]}/like", {"Idempotency-Key": "k"}
    first = await world.ada.call("POST", path, headers=headers)
    assert first.json() == {
        "tweet_id": str(world.tweets[0]),
        "liked": True,
        "likes": 1,
        "likes_display": "1",
    }
    assert (await world.eve.call("POST", path)).status_code == 200
    assert (await world.ada.call("POST", path, headers=headers)).content == first.content
