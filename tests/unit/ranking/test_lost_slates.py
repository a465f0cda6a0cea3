"""A scroll whose slate is lost goes on without a repeat or a gap, and says so."""

from __future__ import annotations

import pytest

from core.errors import Unavailable
from ranking.query import FeedPosition
from tests.unit.ranking.feed_world import BY_MODEL, NEWEST_FIRST, TWENTY, FeedWorld, shown


@pytest.mark.parametrize("page", range(1, 7))
async def test_a_slate_that_expired_is_made_again_without_repeats_or_gaps(
    page: int, world: FeedWorld
) -> None:
    world.post(21, *TWENTY)

    async def expire(number: int) -> None:
        if number == page:
            world.slates.slates.clear()

    pages = await world.scroll(between=expire)
    assert sorted(shown(pages), reverse=True) == NEWEST_FIRST
    # Past its end there is nothing of the slate to make again.
    assert pages[page].meta.remade == (page * 3 < 8)
    assert pages[page].meta.reason == (None if page * 3 < 8 else "slate_lost")


@pytest.mark.parametrize("page", range(1, 7))
async def test_a_slate_that_expired_while_others_posted_loses_nothing_of_before(
    page: int, world: FeedWorld
) -> None:
    world.post(21, *TWENTY)

    async def expire(number: int) -> None:
        if number == page:
            world.slates.slates.clear()
            world.post(21, *range(301, 306))

    ids = shown(await world.scroll(between=expire))
    assert len(ids) == len(set(ids))
    assert set(ids) >= set(TWENTY)


async def test_a_slate_that_cannot_be_scored_again_is_pinned_in_time_order(world: FeedWorld) -> None:
    world.post(21, *TWENTY)

    async def expire(number: int) -> None:
        if number == 1:
            world.slates.slates.clear()
            world.features.flushed = True

    pages = await world.scroll(between=expire)
    assert shown(pages) == [113, 114, 115, *(one for one in NEWEST_FIRST if one not in (113, 114, 115))]
    assert (pages[1].meta.remade, pages[1].meta.reason) == (True, "features_missing")
    assert {page.meta.algorithm_served for page in pages[1:]} == {"chronological"}


async def test_a_scroll_whose_slate_cannot_be_read_waits_rather_than_skip(world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    first = await world.page()
    world.slates.away = True
    with pytest.raises(Unavailable):
        await world.page(position=first.next_position)
    world.slates.away = False
    second = await world.page(position=first.next_position)
    assert [item.tweet.tweet_id for item in [*first.items, *second.items]] == BY_MODEL[:6]


async def test_without_a_place_for_slates_a_ranked_feed_begins_in_time_order(world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    world.slates.away = True
    page = await world.page()
    assert page.meta.algorithm_served == "chronological"
    assert page.meta.reason == "pin_unavailable"


async def test_a_foreign_slate_is_a_lost_one(world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    page = await world.page(position=FeedPosition("r", slate="none of ours", index=3, floor=113))
    assert page.meta.remade
    assert len(page.items) == 3
