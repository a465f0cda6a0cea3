"""Who undoes what a host with its clock ahead was told is obeyed, by hosts whose clocks are right, too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
import pytest

from core.clock import SystemClock
from core.ids import TweetId, UserId, compose_id, id_time_ms
from eventlog.envelope import Envelope, decode_envelope
from eventlog.reading import read
from eventlog.schema import EDGES, GRAPH, USERS
from stores.ports import OutboxRecord
from tests.e2e.live_stack import LiveStack
from tests.e2e.people import Person, make_people
from wiring.resources import Stores, open_files

AHEAD_MS = 3_600_000


class Case(NamedTuple):
    """`ahead` is what the host with the clock ahead writes; `undo` what the person asks for afterwards."""

    topic: str
    ahead: Callable[[Stores, int], Awaitable[object]]
    undo: tuple[str, str, dict[str, str]]
    stands: Callable[[Stores], Awaitable[bool]]


def no_follow(follower: UserId, followee: UserId, ver: int) -> OutboxRecord:
    raise AssertionError("neither follows the other")


def like(ada: UserId, bob: UserId, tweet: TweetId) -> Case:
    return Case(
        EDGES,
        lambda stores, ver: stores.engagements.set_like(ada, tweet, on=True, ver=ver, outbox=[]),
        ("DELETE", f"/v1/tweets/{tweet}/like", {}),
        lambda stores: stores.engagements.has_liked(ada, tweet),
    )


def follow(ada: UserId, bob: UserId, tweet: TweetId) -> Case:
    async def stands(stores: Stores) -> bool:
        return bob in (await stores.graph.followees(ada)).ids.tolist()

    return Case(
        GRAPH,
        lambda stores, ver: stores.graph.set_follow(ada, bob, on=True, ver=ver, outbox=[]),
        ("DELETE", f"/v1/users/{bob}/follow", {}),
        stands,
    )


def block(ada: UserId, bob: UserId, tweet: TweetId) -> Case:
    async def stands(stores: Stores) -> bool:
        return not await stores.graph.is_blocked(ada, bob)

    return Case(
        GRAPH,
        # An unblock: it is the block after it that has to be in force.
        lambda stores, ver: stores.graph.set_block(ada, bob, on=False, ver=ver, outbox=[], ended=no_follow),
        ("POST", f"/v1/users/{bob}/block", {}),
        stands,
    )


def mute(ada: UserId, bob: UserId, tweet: TweetId) -> Case:
    async def stands(stores: Stores) -> bool:
        return bob in (await stores.graph.hidden(ada)).muted.tolist()

    return Case(
        GRAPH,
        lambda stores, ver: stores.graph.set_mute(ada, bob, on=True, ver=ver, outbox=[]),
        ("DELETE", f"/v1/users/{bob}/mute", {}),
        stands,
    )


def profile(ada: UserId, bob: UserId, tweet: TweetId) -> Case:
    async def stands(stores: Stores) -> bool:
        return (await stores.users.get_many([ada]))[ada].display_name == "Ahead"

    return Case(
        USERS,
        lambda stores, ver: stores.users.change(ada, display_name="Ahead", ver=ver, outbox=[]),
        ("PATCH", f"/v1/users/{ada}", {"display_name": "Here"}),
        stands,
    )


@asynccontextmanager
async def opened(stack: LiveStack) -> AsyncIterator[Stores]:
    with open_files(stack.home, SystemClock()) as stores:
        yield stores


async def told(stores: Stores, topic: str, key: int) -> list[Envelope]:
    return [decode_envelope(entry.value) async for entry in read(stores.log, [topic]) if entry.key == key]


@pytest.mark.parametrize("case", [like, follow, block, mute, profile], ids=lambda case: case.__name__)
async def test_what_a_clock_ahead_has_written_can_be_undone(
    case: Callable[[UserId, UserId, TweetId], Case], stack: LiveStack, http: httpx.AsyncClient
) -> None:
    ada, bob = await make_people(stack, http, 2)
    tweet = await bob.post("bob's")
    topic, ahead, (method, path, body), stands = case(
        UserId(ada.user_id), UserId(bob.user_id), TweetId(tweet)
    )
    far = compose_id(SystemClock().now_ms() + AHEAD_MS, 1, 1, 0)
    key = tweet if topic == EDGES else ada.user_id

    async def ask(person: Person, idempotency_key: str) -> Any:
        answer = await person.call(method, path, json=body, headers={"Idempotency-Key": idempotency_key})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async with opened(stack) as stores:
        await ahead(stores, far)
        assert await stands(stores)
        before = len(await told(stores, topic, key))
        first = await ask(ada, "k")
        assert not await stands(stores)
        # The same request again is the same write; another one finds nothing left to change.
        assert await ask(ada, "k") == first
        events = (await told(stores, topic, key))[before:]
        assert len(events) == 1
        # Its version is above what it undid; it is dated by a clock that is right.
        assert events[0].ver > far
        assert events[0].ts_ms == id_time_ms(events[0].id) < id_time_ms(far)
        if topic != USERS:
            await ask(ada, "other")
            assert len(await told(stores, topic, key)) == before + 1
