"""Profiles in memory: fresh for a minute, and older ones while the store does not say."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from core.errors import Unavailable
from core.ids import UserId
from core.types import User
from stores.ports import IdempotentAnswer, Ids, OutboxRecord, Written
from stores.user_cache import ASK_AGAIN_S, TTL_S, UserCache
from tests.fakes import FakeClock


class FakeUsers:
    def __init__(self) -> None:
        self.names: dict[int, str] = {}
        self.asked: list[list[int]] = []
        self.away = False
        self.hangs = False
        self.turn: asyncio.Event | None = None

    async def create(
        self, user: User, outbox: Sequence[OutboxRecord], *, idempotency: IdempotentAnswer | None = None
    ) -> Written:
        raise AssertionError("a cache writes nothing")

    async def change(
        self,
        user: UserId,
        *,
        display_name: str,
        ver: int,
        outbox: Sequence[OutboxRecord],
        idempotency: IdempotentAnswer | None = None,
    ) -> Written:
        raise AssertionError("a cache writes nothing")

    async def get_many(self, user_ids: Sequence[int]) -> Mapping[int, User]:
        self.asked.append(list(user_ids))
        if self.hangs:
            await asyncio.Event().wait()
        if self.away:
            raise Unavailable("no store")
        found = {
            id_: User(UserId(id_), f"h{id_}", self.names[id_], 1) for id_ in user_ids if id_ in self.names
        }
        if self.turn is not None:
            await self.turn.wait()
        return found

    async def with_handle(self, handle: str) -> User | None:
        raise AssertionError("a cache asks for ids only")

    async def seen(self, users: Sequence[UserId], day: int) -> None:
        raise AssertionError("a cache writes nothing")

    async def active(self, day: int, *, after: int, limit: int) -> Ids:
        raise AssertionError("a cache asks for profiles only")

    async def everybody(self, *, after: int, limit: int) -> Ids:
        raise AssertionError("a cache asks for profiles only")


class World:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = FakeUsers()
        self.cache = UserCache(self.store, self.clock, capacity=3)

    async def names(self, *user_ids: int) -> dict[int, str]:
        return {id_: user.display_name for id_, user in (await self.cache.get_many(user_ids)).items()}

    def later(self, seconds: float) -> None:
        self.clock.advance(int(seconds * 1000))


@pytest.fixture
def world() -> World:
    world = World()
    world.store.names = {1: "Ada", 2: "Bob"}
    return world


async def test_a_profile_is_read_once_a_minute(world: World) -> None:
    assert await world.names(1, 2, 1) == {1: "Ada", 2: "Bob"}
    world.store.names[1] = "Ada Lovelace"
    world.later(TTL_S - 1)
    assert await world.names(1) == {1: "Ada"}
    world.later(1)
    assert await world.names(1) == {1: "Ada Lovelace"}
    assert world.store.asked == [[1, 2], [1]]


async def test_the_unknown_are_asked_for_each_time(world: World) -> None:
    assert await world.names(3) == {}
    world.store.names[3] = "Eve"
    assert await world.names(3) == {3: "Eve"}


@pytest.mark.parametrize("how", ["away", "hangs"])
async def test_a_store_that_does_not_say_leaves_what_is_known(how: str, world: World) -> None:
    await world.names(1, 2)
    world.later(TTL_S)
    setattr(world.store, how, True)
    assert await world.names(1) == {1: "Ada"}
    # Not asked again by each request.
    assert await world.names(1) == {1: "Ada"}
    assert world.store.asked == [[1, 2], [1]]
    setattr(world.store, how, False)
    world.store.names[1] = "Ada Lovelace"
    world.later(ASK_AGAIN_S)
    assert await world.names(1) == {1: "Ada Lovelace"}


async def test_whoever_was_never_seen_needs_the_store(world: World) -> None:
    await world.names(1)
    world.store.away = True
    with pytest.raises(Unavailable):
        await world.names(1, 2)
    assert set(await world.cache.at_hand([1, 2])) == {1}


async def test_those_filled_longest_ago_make_room(world: World) -> None:
    world.store.names |= {3: "Eve", 4: "Kim"}
    for user_id in (1, 2, 3, 4):
        await world.names(user_id)
    assert set(await world.cache.at_hand([1, 2, 3, 4])) == {2, 3, 4}


async def test_what_was_changed_here_is_read_anew() -> None:
    world = World()
    world.store.names = {1: "Ada", 2: "Grace"}
    await world.names(1, 2)
    world.store.names[1] = "Augusta Ada"
    assert await world.names(1) == {1: "Ada"}
    world.cache.forget(1)
    assert await world.names(1, 2) == {1: "Augusta Ada", 2: "Grace"}
    world.cache.forget(3)


async def test_a_change_while_the_store_does_not_say_is_not_undone() -> None:
    world = World()
    world.store.names = {1: "Ada"}
    await world.names(1)
    world.later(TTL_S)
    world.store.turn = asyncio.Event()
    reading = asyncio.create_task(world.names(1))
    await asyncio.sleep(0)
    world.store.names = {1: "Augusta Ada"}
    world.cache.forget(1)
    # The store does not answer in time: the page has the name of before, and nobody after it.
    assert await reading == {1: "Ada"}
    assert world.cache.fresh([1]) is None


async def test_what_was_read_before_a_change_is_not_kept() -> None:
    world = World()
    world.store.names = {1: "Ada"}
    world.store.turn = asyncio.Event()
    reading = asyncio.create_task(world.names(1))
    await asyncio.sleep(0)
    assert world.store.asked == [[1]]
    world.store.names = {1: "Augusta Ada"}
    world.cache.forget(1)
    world.store.turn.set()
    await reading
    assert await world.names(1) == {1: "Augusta Ada"}


async def test_without_waiting_it_says_all_or_nothing(world: World) -> None:
    assert world.cache.fresh([1]) is None
    await world.names(1, 2)
    found = world.cache.fresh([1, 2])
    assert found is not None
    assert {id_: user.display_name for id_, user in found.items()} == {1: "Ada", 2: "Bob"}
    assert world.cache.fresh([1, 3]) is None
    world.later(TTL_S)
    assert world.cache.fresh([1]) is None
    assert world.store.asked == [[1, 2]]
