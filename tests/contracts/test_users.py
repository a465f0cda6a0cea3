"""UserStore: ids and handles are unique, whatever the case, and changes come with their events."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from core.errors import Conflict, NotFound
from core.ids import MAX_ID, UserId
from core.types import User
from eventlog.schema import USERS
from stores.ports import OutboxRecord, Written
from tests.contracts.engines import Engine, Stack, published
from tests.fakes import FakeClock


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


async def test_a_handle_finds_its_owner_in_any_case(stack: Stack) -> None:
    await stack.users.create(user(1, "Ada"), [])
    await stack.users.create(user(2, "grace"), [])
    with pytest.raises(Conflict):
        await stack.users.create(user(3, "GRACE"), [])
    for handle, owner in (("Ada", 1), ("aDA", 1), ("grace", 2)):
        found = await stack.users.with_handle(handle)
        assert found is not None
        assert found.user_id == owner
    assert await stack.users.with_handle("nobody") is None
    assert await stack.users.with_handle("") is None


async def test_everybody_is_found_once_page_by_page(stack: Stack) -> None:
    assert (await stack.users.everybody(after=0, limit=3)).tolist() == []
    ids = {1, 2, 77, 1_724_000_000_000_000_001, MAX_ID}
    for place, number in enumerate(ids):
        await stack.users.create(user(number, f"u{place}"), [])
    # Who was only seen has no profile.
    await stack.users.seen([UserId(5)], 19_675)
    found: list[int] = []
    while len(page := await stack.users.everybody(after=found[-1] if found else 0, limit=2)):
        assert len(page) <= 2
        found += page.tolist()
    assert len(found) == len(ids)
    assert set(found) == ids


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


async def change(stack: Stack, number: int, name: str, ver: int) -> bool:
    record = OutboxRecord(USERS, number, f"{name} {ver}".encode())
    return (await stack.users.change(UserId(number), display_name=name, ver=ver, outbox=[record])).changed


async def test_a_change_is_read_back_and_told_once(stack: Stack) -> None:
    await stack.users.create(user(1, "Ada"), [])
    assert await change(stack, 1, "Ada King", 5)
    await change(stack, 1, "Ada King", 5)
    assert await stack.users.get_many([1]) == {1: User(UserId(1), "Ada", "Ada King", 1_700_000_000_000)}
    assert set(await published(stack, [USERS])) == {b"Ada King 5"}


@pytest.mark.parametrize("order", list(itertools.permutations([1, 2, 3])))
async def test_the_highest_version_of_a_profile_decides(stack: Stack, order: tuple[int, ...]) -> None:
    await stack.users.create(user(1, "Ada"), [])
    for ver in order:
        await change(stack, 1, f"№ {ver}", ver)
    assert (await stack.users.get_many([1]))[1].display_name == "№ 3"
    assert not await change(stack, 1, "late", 2)


async def test_of_many_changes_at_once_the_highest_version_stands(
    stack: Stack, engine: Engine, clock: FakeClock
) -> None:
    await stack.users.create(user(1, "Ada"), [])
    async with engine.open(clock) as other:
        await asyncio.gather(
            *(change(other if ver % 2 else stack, 1, f"№ {ver}", ver) for ver in range(1, 21))
        )
        assert (await other.users.get_many([1]))[1].display_name == "№ 20"
    assert (await stack.users.get_many([1]))[1].display_name == "№ 20"


async def test_a_profile_that_is_not_there_cannot_be_changed(stack: Stack) -> None:
    with pytest.raises(NotFound):
        await change(stack, 1, "Ada", 5)
    await stack.users.create(user(1, "Ada"), [])
    assert (await stack.users.get_many([1]))[1] == user(1, "Ada")
    assert await published(stack, [USERS]) == []


async def test_a_changed_profile_keeps_its_handle(stack: Stack) -> None:
    await stack.users.create(user(1, "Ada"), [])
    await change(stack, 1, "Ada King", 5)
    for taken in (user(1, "Ada"), user(2, "ada"), user(1, "other")):
        with pytest.raises(Conflict):
            await stack.users.create(taken, [])
    assert (await stack.users.get_many([1]))[1].display_name == "Ada King"
