"""Down the ladder and up again: what a viewer sees on each rung, and that nothing repeats or is skipped."""

from __future__ import annotations

import pytest

from core.errors import Unavailable
from ranking.query import FeedPage
from tests.unit.ranking.feed_world import BREAKER, NEWEST_FIRST, TWENTY, FeedWorld, shown

RANKED, TAIL = list(range(113, 121)), list(range(112, 100, -1))
"""The eight newest as the model likes them, and what follows in time order."""


@pytest.fixture
def posted(world: FeedWorld) -> FeedWorld:
    world.post(21, *TWENTY)
    return world


async def open_breaker(world: FeedWorld) -> None:
    """By features that are away; they are back when it is open."""
    world.features.away = True
    for _ in range(BREAKER.least):
        await world.page()
    world.features.away = False
    assert world.ladder.now().name == "cached"


def said(page: FeedPage) -> tuple[str, str, str | None]:
    return page.meta.algorithm_served, page.meta.rung, page.meta.reason


async def test_an_open_breaker_asks_nobody_and_says_what_it_opened_for(posted: FeedWorld) -> None:
    await open_breaker(posted)
    asked = len(posted.features.asked)
    pages = await posted.scroll()
    assert len(posted.features.asked) == asked
    assert shown(pages) == NEWEST_FIRST
    assert said(pages[0]) == ("chronological", "chronological", "features_unavailable")


async def test_whoever_was_given_an_order_is_given_it_again_below_what_is_new(posted: FeedWorld) -> None:
    ranked = await posted.scroll()
    await open_breaker(posted)
    posted.post(21, 130, 131)
    pages = await posted.scroll()
    assert shown(pages) == [131, 130, *shown(ranked)]
    assert {said(page) for page in pages} == {("ranked", "cached", "features_unavailable")}
    assert {page.meta.model for page in pages} == {"home@1"}
    assert [item.position for page in pages for item in page.items] == list(range(22))
    # A record of what was scored is not made twice.
    records = await posted.served()
    assert {item.heads == [] for record in records[-len(pages) :] for item in record.items} == {True}


async def test_an_order_of_before_holds_for_another_outage_of_the_same_kind(posted: FeedWorld) -> None:
    await posted.page()
    await open_breaker(posted)
    posted.post(21, 130)
    assert shown(await posted.page(limit=20)) == [130, *RANKED, *TAIL][:20]
    posted.post(21, 131)
    assert shown(await posted.page(limit=20)) == [131, 130, *RANKED, *TAIL][:20]


async def test_an_order_of_before_shows_nothing_that_may_not_be_shown(posted: FeedWorld) -> None:
    posted.post(22, 105)
    await posted.page()
    await open_breaker(posted)
    del posted.tweets.tweets[115]
    posted.timelines.authors.remove(22)
    expected = [one for one in (*RANKED, *TAIL) if one not in (115, 105)]
    assert shown(await posted.scroll()) == expected


async def test_a_tweet_stands_where_its_newest_retweet_is(posted: FeedWorld) -> None:
    await posted.page()
    await open_breaker(posted)
    posted.retweet(21, 130, 114)
    posted.retweet(21, 131, 104)
    pages = await posted.scroll()
    assert shown(pages) == [131, 130, *(one for one in (*RANKED, *TAIL) if one not in (114, 104))]


async def test_what_comes_to_light_in_the_midst_of_the_order_is_not_skipped(posted: FeedWorld) -> None:
    posted.post(22, 99, 117, followed=False)
    await posted.page()
    await open_breaker(posted)
    posted.timelines.authors.add(22)
    pages = await posted.scroll()
    # While 117 was not to be shown, 112 was among the eight newest.
    assert shown(pages) == [117, 112, *(one for one in RANKED if one != 117), *TAIL[1:], 99]


async def test_an_order_that_too_much_is_new_above_is_given_up(posted: FeedWorld) -> None:
    await posted.page()
    await open_breaker(posted)
    posted.post(21, *range(130, 139))
    page = await posted.page(limit=30)
    assert said(page) == ("chronological", "chronological", "features_unavailable")
    assert shown(page) == [*range(138, 129, -1), *NEWEST_FIRST]


async def test_without_a_place_to_read_orders_from_it_is_the_order_of_time(posted: FeedWorld) -> None:
    await posted.page()
    await open_breaker(posted)
    posted.slates.away = True
    assert said(await posted.page()) == ("chronological", "chronological", "features_unavailable")


async def test_a_single_failure_takes_the_next_rung_too(posted: FeedWorld) -> None:
    await posted.page()
    posted.features.away = True
    assert said(await posted.page()) == ("ranked", "cached", "features_unavailable")
    posted.features.away = False
    assert said(await posted.page()) == ("ranked", "full", None)


async def test_without_a_model_there_is_no_order_of_before(posted: FeedWorld) -> None:
    await posted.page()
    posted.model = None
    assert said(await posted.page()) == ("chronological", "chronological", "no_model")


async def test_a_ranked_scroll_goes_on_from_its_slate_while_the_breaker_opens(posted: FeedWorld) -> None:
    async def failing(number: int) -> None:
        if number == 1:
            await open_breaker(posted)

    pages = await posted.scroll(between=failing)
    assert shown(pages) == [*RANKED, *TAIL]
    assert {said(page) for page in pages} == {("ranked", "full", None)}


async def test_a_chronological_scroll_stays_so_when_the_breaker_closes(posted: FeedWorld) -> None:
    await open_breaker(posted)

    async def heal(number: int) -> None:
        posted.clock.advance(int(BREAKER.open_s * 1000))
        await posted.page()

    pages = await posted.scroll(between=heal)
    assert shown(pages) == NEWEST_FIRST
    assert {page.meta.rung for page in pages} == {"chronological"}
    assert said(await posted.page()) == ("ranked", "full", None)


async def test_a_slate_that_is_lost_while_the_breaker_is_open_is_made_again_in_time_order(
    posted: FeedWorld,
) -> None:
    async def lose(number: int) -> None:
        if number == 1:
            await open_breaker(posted)
            posted.slates.slates.clear()

    pages = await posted.scroll(between=lose)
    assert shown(pages) == [113, 114, 115, *(one for one in NEWEST_FIRST if one not in (113, 114, 115))]
    assert (pages[1].meta.remade, pages[1].meta.reason) == (True, "features_unavailable")


@pytest.mark.parametrize("limit", [1, 3, 5, 20])
async def test_fewer_candidates_are_ranked_and_the_rest_follows_in_time_order(
    limit: int, posted: FeedWorld
) -> None:
    for _ in range(3):
        posted.ladder.turned_away()
    posted.clock.advance(250)
    pages = await posted.scroll(limit=limit)
    # Six of eight.
    assert shown(pages) == [*range(115, 121), *range(114, 100, -1)]
    assert {said(page) for page in pages} == {("ranked", "fewer", "ranking_busy")}
    record = (await posted.served())[0]
    assert record.rung == "fewer"
    assert record.items[0].heads


async def test_where_there_are_no_more_than_fewer_it_is_the_full_feed(world: FeedWorld) -> None:
    world.post(21, *range(101, 104))
    world.ladder.turned_away()
    world.ladder.turned_away()
    world.ladder.turned_away()
    world.clock.advance(250)
    assert said(await world.page()) == ("ranked", "full", None)


async def test_without_the_store_an_order_of_before_cannot_be_shown(posted: FeedWorld) -> None:
    await posted.page()
    await open_breaker(posted)
    posted.tweets.away = True
    with pytest.raises(Unavailable):
        await posted.page()
