"""What is popular is kept for some seconds, held on to while Redis is away, and asked for once at a time."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from core.errors import Unavailable
from ranking.popular_source import FRESH_S, PopularSource
from stores.popular import TTL_S
from tests.unit.ranking.fake_ranking import FakePopular
from tests.unit.ranking.feed_world import VIEWER, FeedWorld
from timelines.reader import Timeline

NOBODY = np.empty(0, np.int64)
TIMELINE = Timeline(VIEWER, NOBODY, NOBODY, NOBODY, NOBODY, "list")


class World:
    def __init__(self, world: FeedWorld) -> None:
        self.feed = world
        self.store = FakePopular()
        self.source = PopularSource(self.store, world.clock)

    def at_hand(self) -> list[int] | None:
        ids = self.source.at_hand(self.feed.query(), TIMELINE)
        return None if ids is None else [int(one) for one in ids]

    async def find(self) -> list[int]:
        return [int(one) for one in await self.source.find(self.feed.query(), TIMELINE)]

    def after(self, seconds: float) -> None:
        self.feed.clock.advance(int(seconds * 1000))


@pytest.fixture
def popular(world: FeedWorld) -> World:
    return World(world)


async def settle() -> None:
    """Lets a fetch end that waits for nothing."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_the_first_waits_and_the_next_do_not(popular: World) -> None:
    popular.store.ids = [5, 3]
    assert popular.at_hand() is None
    assert await popular.find() == [5, 3]
    popular.store.ids = [7]
    assert popular.at_hand() == [5, 3]
    popular.after(FRESH_S)
    # Asked again beside this request, which has what was there.
    assert popular.at_hand() == [5, 3]
    await settle()
    assert popular.at_hand() == [7]
    assert popular.store.asked == 2


async def test_many_who_wait_ask_once(popular: World) -> None:
    popular.store.ids = [5]
    assert [popular.at_hand() for _ in range(4)] == [None] * 4
    assert await asyncio.gather(*[popular.find() for _ in range(4)]) == [[5]] * 4
    assert popular.store.asked == 1


async def test_a_slow_redis_is_not_waited_for_twice_and_what_was_there_holds(popular: World) -> None:
    popular.store.ids = [5]
    popular.at_hand()
    await popular.find()
    popular.store.slow = True
    for _ in range(3):
        popular.after(FRESH_S)
        assert popular.at_hand() == [5]
        await settle()
    assert popular.store.asked == 2


@pytest.mark.parametrize("lost", ["away", "emptied"])
async def test_what_was_there_holds_for_as_long_as_its_key_would_have(lost: str, popular: World) -> None:
    popular.store.ids = [5]
    popular.at_hand()
    await popular.find()
    popular.store.away, popular.store.ids = lost == "away", []
    popular.after(TTL_S - 1)
    assert popular.at_hand() == [5]
    await settle()
    popular.after(FRESH_S)
    assert popular.at_hand() is None
    if lost == "away":
        with pytest.raises(Unavailable):
            await popular.find()
    else:
        assert await popular.find() == []
    # Until Redis is asked again nobody waits for nothing.
    assert popular.at_hand() == []


async def test_who_gives_up_does_not_end_the_fetch(popular: World) -> None:
    popular.store.ids = [5]
    popular.store.slow = True
    assert popular.at_hand() is None
    waiting = asyncio.create_task(popular.find())
    await settle()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert popular.at_hand() is None
    assert popular.store.asked == 1


async def test_what_our_own_code_does_wrong_surfaces_with_the_next_request(popular: World) -> None:
    popular.store.wrong = KeyError("oops")
    popular.at_hand()
    await settle()
    with pytest.raises(KeyError):
        popular.at_hand()
    # With one of them: the next fetch may do better.
    popular.store.wrong, popular.store.ids = None, [5]
    popular.after(FRESH_S)
    assert popular.at_hand() is None
    assert await popular.find() == [5]
