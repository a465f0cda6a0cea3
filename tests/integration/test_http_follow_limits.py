"""How many one may follow: each step by its name, and no further than that, however many ask at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence

import httpx
import pytest

from core.clock import SystemClock
from core.ids import UserId
from core.types import User
from feed_api.follow_limits import HOUR_MS
from tests.e2e.live_stack import LiveStack, live_stack
from tests.e2e.people import Person, http_client, make_people
from tests.integration.bad_input import refused, rows_of
from wiring.resources import open_files

STEPS = {"NEW": "3", "NEW_HOURS": "1", "FREE": "5", "PERCENT": "40", "MOST": "8"}


@pytest.fixture(scope="module")
def stepped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    environment = {f"RANKFEED_FOLLOWS_{name}": value for name, value in STEPS.items()}
    with live_stack(tmp_path_factory.mktemp("steps"), environment=environment) as running:
        yield running


@pytest.fixture
async def stepped_http(stepped: LiveStack) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(stepped) as client:
        yield client


async def write_follows(stack: LiveStack, follower: Person, followees: Sequence[int]) -> None:
    """As other processes write them."""
    with open_files(stack.home, SystemClock()) as stores:
        await asyncio.gather(
            *(
                stores.graph.set_follow(UserId(follower.user_id), UserId(followee), on=True, ver=1, outbox=[])
                for followee in followees
            )
        )


async def follow(follower: Person, followee: Person) -> httpx.Response:
    return await follower.call("POST", f"/v1/users/{followee.user_id}/follow")


async def test_the_1001st_follow_of_a_new_account(stack: LiveStack, http: httpx.AsyncClient) -> None:
    ada, bob, eve, mary = await make_people(stack, http, 4)
    await write_follows(stack, ada, range(2_000_000_001, 2_000_001_000))
    assert (await follow(ada, bob)).status_code == 200
    before = rows_of(stack)
    answer = await follow(ada, eve)
    refused(answer, "follow_limit", "user_id", 1_000)
    assert "24 h" in answer.json()["detail"]
    assert rows_of(stack) == before
    # Whom one follows one follows already; and where one goes, another has room.
    assert (await follow(ada, bob)).status_code == 200
    await ada.unfollow(bob)
    assert (await follow(ada, eve)).status_code == 200
    refused(await follow(ada, mary), "follow_limit", "user_id", 1_000)


async def test_follows_at_once_do_not_pass_the_limit_together(
    stepped: LiveStack, stepped_http: httpx.AsyncClient
) -> None:
    ada, *others = await make_people(stepped, stepped_http, 12)
    answers = await asyncio.gather(*(follow(ada, other) for other in others))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [403] * 8
    assert {answer.json()["limit"] for answer in answers if answer.status_code == 403} == {3}


async def test_the_steps_of_an_account_that_is_older(
    stepped: LiveStack, stepped_http: httpx.AsyncClient
) -> None:
    ada, others = await older_person(stepped, stepped_http), await make_people(stepped, stepped_http, 9)
    for other in others[:5]:
        await ada.follow(other)
    for follower in others[:2]:
        answer = await follow(ada, others[5])
        refused(answer, "follow_limit", "user_id", 5)
        assert "40 %" in answer.json()["detail"]
        await follower.follow(ada)
    # Two are 40 % of five, and not of six.
    await ada.follow(others[5])
    refused(await follow(ada, others[6]), "follow_limit", "user_id", 5)
    for follower in others[2:]:
        await follower.follow(ada)
    for other in others[6:8]:
        await ada.follow(other)
    refused(await follow(ada, others[8]), "follow_limit", "user_id", 8)


async def older_person(stack: LiveStack, http: httpx.AsyncClient) -> Person:
    """Somebody whose account is two hours old."""
    person = Person(stack, http, 9_100_000_001)
    clock = SystemClock()
    with open_files(stack.home, clock) as stores:
        profile = User(UserId(person.user_id), "older", "Older", clock.now_ms() - 2 * HOUR_MS)
        await stores.users.create(profile, [])
    return person
