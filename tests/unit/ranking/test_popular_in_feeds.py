"""What is popular joins a ranked feed: as any candidate is treated, never twice, and never in the way."""

from __future__ import annotations

import pytest

from ranking.query import FeedPage
from tests.unit.ranking.feed_world import NEWEST_FIRST, TWENTY, VIEWER, FeedWorld, shown

STRANGER, OTHER = 61, 62


def popular(world: FeedWorld, *ids: int, author: int = STRANGER) -> None:
    """By somebody whom the viewer does not follow; the model of this world likes them best."""
    world.post(author, *ids, followed=False)
    world.popular.ids += ids


def sources(page: FeedPage) -> dict[int, str]:
    return {item.tweet.tweet_id: item.source for item in page.items}


async def test_what_is_popular_is_ranked_among_the_newest_and_recorded_as_such(world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    popular(world, 50, 51)
    pages = await world.scroll()
    # Six of the newest and both of the popular, then the rest.
    assert shown(pages) == [51, 50, *range(115, 121), *range(114, 100, -1)]
    items = [item for record in await world.served() for item in record.items]
    assert [item.tweet for item in items if item.source == "popular"] == [51, 50]
    assert {item.source for item in items[2:]} == {"timeline"}
    assert items[0].score is not None


async def test_a_chronological_feed_has_none(world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    popular(world, 50)
    assert shown(await world.scroll("chronological")) == NEWEST_FIRST
    assert world.popular.asked == 0


async def test_what_the_viewer_or_a_followee_wrote_is_not_recommended(world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    world.post(VIEWER, 40)
    world.popular.ids = [101, 40]
    popular(world, 50)
    pages = await world.scroll()
    assert "popular" in sources(pages[0]).values()
    assert [one for page in pages for one, source in sources(page).items() if source == "popular"] == [50]
    # Each is where it stands in time.
    assert shown(pages)[-2:] == [101, 40]


@pytest.mark.parametrize("why", ["blocked", "muted", "deleted", "without a profile", "a retweet"])
async def test_what_may_not_be_shown_is_not_recommended(why: str, world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    popular(world, 50)
    popular(world, 51, author=OTHER)
    match why:
        case "blocked":
            world.timelines.blocked.add(OTHER)
        case "muted":
            world.timelines.muted.add(OTHER)
        case "deleted":
            del world.tweets.tweets[51]
        case "without a profile":
            del world.users.users[OTHER]
        case _:
            world.retweet(OTHER, 51, 50, followed=False)
    ids = shown(await world.scroll())
    assert 51 not in ids
    assert 50 in ids


async def test_what_a_followee_retweeted_is_the_timelines(world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    popular(world, 50)
    world.retweet(22, 200, 50)
    found = sources(await world.page(limit=8))
    assert (found[200], 50 in found) == ("timeline", False)


async def test_what_was_recommended_is_not_shown_again_where_a_followee_retweeted_it_long_ago(
    world: FeedWorld,
) -> None:
    world.post(21, *TWENTY)
    popular(world, 50)
    world.retweet(22, 60, 50)
    ids = shown(await world.scroll())
    assert (50 in ids, 60 in ids) == (True, False)


async def test_nor_where_the_slate_is_lost_in_the_tail(world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    popular(world, 50)
    world.retweet(22, 60, 50)

    async def expire(number: int) -> None:
        if number == 4:
            world.slates.slates.clear()

    pages = await world.scroll(between=expire)
    assert pages[4].meta.reason == "slate_lost"
    ids = shown(pages)
    assert (50 in ids, 60 in ids) == (True, False)
    assert len(set(ids)) == len(ids) == 21


async def test_later_pages_know_what_need_not_be_followed_and_what_is_hidden_meanwhile(
    world: FeedWorld,
) -> None:
    world.post(21, *TWENTY)
    popular(world, 50, 51)
    popular(world, 52, author=OTHER)

    async def block(number: int) -> None:
        if number == 1:
            world.timelines.blocked.add(OTHER)

    assert shown(await world.scroll(limit=1, between=block))[:3] == [52, 51, 50]
    world.timelines.blocked.clear()
    world.timelines.authors.add(STRANGER)

    async def unfollow(number: int) -> None:
        world.timelines.authors.discard(STRANGER)

    ids = shown(await world.scroll(limit=1, between=unfollow))
    assert sorted(ids, reverse=True) == [*NEWEST_FIRST, 52]


@pytest.mark.parametrize("page", range(1, 7))
async def test_a_lost_slate_is_made_again_with_other_popular_ones(page: int, world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    popular(world, *range(50, 54))

    async def expire(number: int) -> None:
        if number == page:
            world.slates.slates.clear()
            popular(world, 54, 55)

    ids = shown(await world.scroll(between=expire))
    assert len(ids) == len(set(ids))
    assert set(ids) >= {*TWENTY, *range(50, 54)}


# -- cold start --------------------------------------------------------------------------------------


async def test_who_follows_nobody_has_popular_tweets_by_the_model(world: FeedWorld) -> None:
    popular(world, *range(50, 62))
    pages = await world.scroll()
    # As many as are ranked at all, in the model's order: it likes what comes last.
    assert shown(pages) == list(range(57, 49, -1))
    assert (pages[0].meta.algorithm_served, pages[0].meta.rung, pages[0].meta.reason) == (
        "ranked",
        "full",
        None,
    )
    assert pages[0].meta.model == "home@1"


async def test_and_without_a_model_as_popular_as_they_are(world: FeedWorld) -> None:
    popular(world, *range(50, 62))
    world.post(VIEWER, 101, 102)
    world.model = None
    pages = await world.scroll()
    assert shown(pages) == [*range(50, 56), 102, 101]
    for page in pages:
        assert (page.meta.algorithm_served, page.meta.rung, page.meta.reason) == (
            "ranked",
            "popular",
            "no_model",
        )
        assert (page.meta.model, page.meta.objective) == (None, None)
    records = await world.served()
    items = [item for record in records for item in record.items]
    assert [item.source for item in items] == ["popular"] * 6 + ["timeline"] * 2
    assert {record.rung for record in records} == {"popular"}
    assert not any(item.features for item in items)


async def test_who_follows_somebody_is_served_time_order_without_a_model(world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    popular(world, 50)
    world.model = None
    page = await world.page()
    assert (page.meta.algorithm_served, page.meta.reason) == ("chronological", "no_model")
    assert shown(page) == NEWEST_FIRST[:3]


async def test_a_short_timeline_is_filled_up(world: FeedWorld) -> None:
    world.post(21, 101)
    popular(world, *range(50, 62))
    assert sorted(shown(await world.scroll())) == [*range(50, 57), 101]


async def test_without_a_share_there_is_nothing_popular(world: FeedWorld) -> None:
    popular(world, 50)
    bare = FeedWorld(world.executor, popular_share=0.0)
    bare.tweets, bare.popular = world.tweets, world.popular
    page = await bare.page()
    assert (page.items, page.meta.reason) == ([], "no_candidates")


# -- in nobody's way ---------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["away", "slow"])
async def test_without_popular_tweets_a_feed_is_ranked_all_the_same(how: str, world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    setattr(world.popular, how, True)
    page = await world.page()
    assert (page.meta.algorithm_served, page.meta.reason) == ("ranked", None)
    assert shown(page) == [113, 114, 115]


async def test_stages_say_what_they_let_through(world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    popular(world, 50, 51, 52)
    world.timelines.muted.add(STRANGER)
    world.timelines.listed = NEWEST_FIRST
    del world.tweets.tweets[118]
    query = world.query()
    await world.feed.page(query)
    assert dict(query.timings.counts()) == {
        "timeline": 5,
        "popular": 3,
        "hydrate": 7,
        "gone": 7,
        "not_followed": 7,
        "blocked": 7,
        "muted": 4,
        "strangers": 4,
        "one_a_root": 4,
        "page": 3,
    }
