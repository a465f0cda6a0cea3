"""Pages follow each other without a repeat or a gap, and leave nothing behind before they are served."""

from __future__ import annotations

import pytest

from ranking.objective import ENGAGEMENT
from tests.unit.ranking.feed_world import BY_MODEL, NEWEST_FIRST, TWENTY, FeedWorld, shown


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 19, 20, 21, 100])
async def test_a_chronological_scroll_shows_everything_once(limit: int, world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    pages = await world.scroll("chronological", limit=limit)
    assert shown(pages) == NEWEST_FIRST
    assert [item.position for page in pages for item in page.items] == list(range(20))
    assert {page.meta.rung for page in pages} == {"full"}
    assert {page.meta.reason for page in pages} == {None}


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 9, 19, 20, 21, 100])
async def test_a_ranked_scroll_goes_on_in_time_order_below_its_slate(limit: int, world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    pages = await world.scroll(limit=limit)
    assert shown(pages) == BY_MODEL
    assert [item.position for page in pages for item in page.items] == list(range(20))
    assert len({page.meta.slate for page in pages}) == 1
    assert {page.meta.model for page in pages} == {"home@1"}
    assert {page.meta.objective for page in pages} == {ENGAGEMENT.label}
    assert {page.meta.algorithm_served for page in pages} == {"ranked"}
    assert not any(page.meta.remade for page in pages)


async def test_a_first_ranked_page_reads_its_candidates_once(world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    page = await world.page("ranked", limit=3)
    assert [item.tweet.tweet_id for item in page.items] == BY_MODEL[:3]
    assert world.tweets.asked == [NEWEST_FIRST[:8]]
    # Later ones look at what became of theirs since.
    await world.page(limit=3, position=page.next_position)
    assert world.tweets.asked[1] == BY_MODEL[3:8]


async def test_an_empty_feed_is_an_empty_page(world: FeedWorld) -> None:
    chronological, ranked = await world.page("chronological"), await world.page("ranked")
    assert (chronological.items, chronological.next_position) == ([], None)
    assert (ranked.items, ranked.next_position) == ([], None)
    assert ranked.meta.reason == "no_candidates"


async def test_a_scroll_keeps_its_order_while_others_post(world: FeedWorld) -> None:
    world.post(21, *TWENTY)

    async def post(number: int) -> None:
        world.post(21, 200 + number)

    assert shown(await world.scroll(between=post)) == BY_MODEL
    assert shown(await world.scroll("chronological", between=post))[-20:] == NEWEST_FIRST


async def test_what_is_deleted_or_unfollowed_meanwhile_is_not_shown_and_pages_stay_full(
    world: FeedWorld,
) -> None:
    world.post(21, *TWENTY)
    world.post(22, 90, 91)

    async def lose(number: int) -> None:
        if number == 1:
            del world.tweets.tweets[117], world.tweets.tweets[104]
            world.timelines.listed = sorted([*TWENTY, 90, 91])
            world.timelines.authors.remove(22)

    assert shown(await world.scroll(between=lose)) == [one for one in BY_MODEL if one not in (117, 104)]


async def test_a_page_that_is_only_looked_at_leaves_nothing_behind(world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    query = world.query()
    prepared = await world.feed.prepare(query)
    assert shown(prepared.page) == BY_MODEL[:3]
    assert world.slates.slates == {}
    assert await world.served() == []
    assert shown(await world.feed.serve(query, prepared)) == BY_MODEL[:3]
    assert list(world.slates.slates) == [prepared.page.meta.slate]
    assert len(await world.served()) == 1
