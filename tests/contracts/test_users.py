"""UserStore: ids and handles are unique, whatever the case, and a profile comes with its event."""

from __future__ import annotations

import asyncio

import pytest

from core.errors import Conflict
from core.ids import MAX_ID, UserId
from core.types import User
from eventlog.schema import USERS
from stores.ports import OutboxRecord, Written
from tests.contracts.engines import Stack, published


def user(number: int, handle: str) -> User:
    return User(UserId(number), handle, f"Käte № {number}", 1_700_000_000_000)


async def test_what_was_created_is_read_back(stack: Stack) -> None:
    created = [user(1, "Ada_99"), user(MAX_ID, "grace")]
    for one in created:
        await stack.users.create(one, [])
    assert await stack.users.get_many([1, 2, MAX_ID, 1]) == {1: created[0], MAX_ID: created[1]}
    assert await stack.users.get_many([]) == {}


async def test_a_thousand_profiles_are_read_in_one_call(stack: Stack) -> None:
    await asyncio.gather(*(stack.users.create(user(number, f"u{number}"), []) for number in range(1, 1001)))
    assert len(await stack.users.get_many(list(range(1, 1001)))) == 1000


@pytest.mark.parametrize(
    ("second", "field"),
    [
        (user(1, "someone_else"), "user_id"),
        (user(2, "ada"), "handle"),
        (user(2, "ADA"), "handle"),
        (user(1, "Ada"), "user_id"),
    ],
)
async def test_what_is_taken_is_a_conflict_and_writes_nothing(stack: Stack, second: User, field: str) -> None:
    first = user(1, "Ada")
    await stack.users.create(first, [OutboxRecord(USERS, 1, b"first")])
    with pytest.raises(Conflict) as caught:
        await stack.users.create(second, [OutboxRecord(USERS, 2, b"second")])
    assert caught.value.field == field
    assert await stack.users.get_many([1, 2]) == {1: first}
    assert await published(stack, [USERS]) == [b"first"]


async def test_an_id_and_a_handle_of_two_others_name_the_id(stack: Stack) -> None:
    await stack.users.create(user(1, "ada"), [])
    await stack.users.create(user(2, "grace"), [])
    with pytest.raises(Conflict) as caught:
        await stack.users.create(user(2, "ada"), [])
    assert caught.value.field == "user_id"


async def test_of_many_who_want_a_handle_at_once_one_gets_it(stack: Stack) -> None:
    outcomes = await asyncio.gather(
        *(
            stack.users.create(
                user(number, "Ada" if number % 2 else "aDA"), [OutboxRecord(USERS, number, b"")]
            )
            for number in range(1, 21)
        ),
        return_exceptions=True,
    )
    assert outcomes.count(Written(True)) == 1
    assert all(isinstance(outcome, Conflict) for outcome in outcomes if outcome != Written(True))
    assert len(await stack.users.get_many(list(range(1, 21)))) == 1
    assert len(await published(stack, [USERS])) == 1
