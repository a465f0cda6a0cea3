"""A feed that lacks something is made of what there is, and says what it lacks."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from msgspec.structs import replace

from core.clock import SystemClock
from core.deadline import Deadline
from core.errors import Unavailable
from core.ids import UserId
from ranking.objective import Objective, Weight
from ranking.stages import StageFailed
from tests.e2e.waiting import eventually
from tests.unit.ranking.fake_ranking import FakeModel
from tests.unit.ranking.feed_world import NEWEST_FIRST, TWENTY, FeedWorld, shown


async def _reason(world: FeedWorld) -> str | None:
    world.post(21, *TWENTY)
    pages = await world.scroll()
    assert shown(pages) == NEWEST_FIRST
    assert {page.meta.algorithm_asked for page in pages} == {"ranked"}
    assert {page.meta.algorithm_served for page in pages} == {"chronological"}
    assert {page.meta.rung for page in pages} == {"chronological"}
    assert pages[0].meta.model is None
    assert pages[0].meta.slate is None
    # Whoever was given time order goes on in it, even if the model is back.
    assert {page.meta.reason for page in pages[1:]} == {"scroll_began_chronological"}
    return pages[0].meta.reason


async def test_no_model_is_said(world: FeedWorld) -> None:
    world.model = None
    assert await _reason(world) == "no_model"


async def test_missing_features_are_said(world: FeedWorld) -> None:
    world.features.flushed = True
    assert await _reason(world) == "features_missing"


async def test_features_that_are_away_are_said(world: FeedWorld) -> None:
    world.features.away = True
    assert await _reason(world) == "features_unavailable"


async def test_features_that_are_slow_are_said(world: FeedWorld) -> None:
    world.features.slow = True
    assert await _reason(world) == "features_slow"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
async def test_scores_that_are_no_numbers_never_rank(value: float, world: FeedWorld) -> None:
    def one_bad(n: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        scores = np.zeros((n, 1), np.float32)
        scores[n // 2] = value
        return scores

    world.model = FakeModel(one_bad)
    assert await _reason(world) == "scores_not_finite"


async def test_an_objective_that_the_model_does_not_fit_is_said(world: FeedWorld) -> None:
    world.use(Objective(1, "likes", 1, "me", "try", {"like": Weight(1.0)}))
    assert await _reason(world) == "objective_misfit"


async def test_a_slate_that_cannot_be_pinned_is_said(world: FeedWorld) -> None:
    world.slates.away = True
    assert await _reason(world) == "pin_unavailable"


async def test_without_timelines_nothing_can_answer(world: FeedWorld) -> None:
    world.timelines.away = True
    with pytest.raises(Unavailable):
        await world.page("chronological")


async def test_without_tweets_nothing_can_answer(world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    world.tweets.away = True
    with pytest.raises(Unavailable):
        await world.page()


async def test_without_the_store_the_first_page_is_what_is_cached_and_the_scroll_goes_on_later(
    world: FeedWorld,
) -> None:
    world.post(21, *TWENTY)
    world.timelines.listed = NEWEST_FIRST[:5]
    world.tweets.cached = set(NEWEST_FIRST[1:5])
    world.tweets.away = True
    # Hydrating all candidates needs the store, so it is no ranked page.
    first = await world.page(limit=10)
    assert (first.meta.partial, first.meta.reason) == (True, "hydrate_unavailable")
    assert shown(first) == NEWEST_FIRST[1:5]
    with pytest.raises(Unavailable):
        await world.page(limit=10, position=first.next_position)
    world.tweets.away = False
    second = await world.page(limit=10, position=first.next_position)
    assert not second.meta.partial
    assert shown(second) == NEWEST_FIRST[5:15]


async def test_a_partial_timeline_is_said(world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    world.timelines.partial = True
    assert (await world.page("chronological")).meta.partial
    assert (await world.page()).meta.partial


async def test_outdated_followees_are_said_and_do_for_a_first_page_alone(world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    world.timelines.outdated = True
    first = await world.page("chronological")
    assert (first.meta.partial, first.meta.reason, first.meta.rung) == (True, "followees_outdated", "full")
    ranked = await world.page()
    assert (ranked.meta.partial, ranked.meta.reason) == (True, "followees_outdated")
    await world.page("chronological", position=first.next_position)
    assert [one is None for one in world.timelines.patience] == [False, False, True]


async def test_equal_scores_stand_newest_first(world: FeedWorld) -> None:
    world.model = FakeModel(lambda n: np.zeros((n, 1), np.float32))
    world.post(21, *TWENTY)
    assert shown(await world.scroll()) == NEWEST_FIRST


async def test_a_page_made_from_the_store_says_so_and_is_not_ranked(world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    world.timelines.listed, world.timelines.origin = [], "store"
    world.slates.away = world.features.away = True
    page = await world.page("chronological")
    assert (page.meta.algorithm_served, page.meta.rung, page.meta.reason) == (
        "chronological",
        "full",
        "cache_away",
    )
    ranked = await world.page()
    assert (ranked.meta.algorithm_served, ranked.meta.rung, ranked.meta.reason) == (
        "chronological",
        "chronological",
        "cache_away",
    )
    assert shown(await world.scroll()) == NEWEST_FIRST


async def test_a_refresh_reads_the_timeline_anew(world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    await world.page()
    assert world.timelines.fresh_reads == 0
    await world.feed.page(replace(world.query(), refresh=True))
    assert world.timelines.fresh_reads == 1


async def test_a_timeline_that_was_too_slow_is_read_again_off_the_request(world: FeedWorld) -> None:
    """Its viewer would never have one where the store always takes longer than a request has."""
    world.post(21, *TWENTY)
    world.timelines.slow = True
    query = replace(world.query("chronological"), deadline=Deadline.after_ms(20, SystemClock()))
    with pytest.raises(StageFailed) as caught:
        await world.feed.page(query)
    assert caught.value.reason == "timeline_slow"
    world.timelines.slow, world.timelines.patience = False, []
    stop = asyncio.Event()
    running = asyncio.create_task(world.healing.run(stop))

    async def read() -> bool:
        return world.timelines.patience == [None]

    await eventually("it is read without a deadline", read)
    stop.set()
    await running


async def test_without_the_store_nothing_is_tried_off_the_request(world: FeedWorld) -> None:
    world.timelines.away = True
    for _ in range(3):
        with pytest.raises(StageFailed):
            await world.page()
    world.timelines.asked_by = []
    other = UserId(999)
    world.healing.finish(other)
    stop = asyncio.Event()
    running = asyncio.create_task(world.healing.run(stop))

    async def the_other_is_read() -> bool:
        return other in world.timelines.asked_by

    await eventually("who was noted is read", the_other_is_read)
    stop.set()
    await running
    assert world.timelines.asked_by == [other]
