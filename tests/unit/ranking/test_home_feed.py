"""Pages follow each other without a repeat or a gap, whatever is lost between them, and say what they are."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from core.errors import Unavailable
from features.schema import FEATURES, SCHEMA_HASH, VIEWS
from ranking.candidate import TIMELINE_SOURCE
from ranking.objective import ENGAGEMENT, Diversity, Objective, Seen, Weight
from ranking.query import FeedPosition
from tests.unit.ranking.feed_world import VIEWER, FakeModel, FeedWorld, shown

TWENTY = range(101, 121)
"""More than the eight candidates of this world: twelve follow in time order."""
NEWEST_FIRST = list(reversed(TWENTY))
BY_MODEL = [*range(113, 121), *range(112, 100, -1)]
"""The eight newest as the model likes them, then the rest in time order."""


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


# -- slates that get lost ----------------------------------------------------------------------------


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


# -- degraded ----------------------------------------------------------------------------------------


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


# -- looking before serving --------------------------------------------------------------------------


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


# -- the served record -------------------------------------------------------------------------------


async def test_every_page_is_recorded_as_it_was_served(world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    pages = await world.scroll(limit=5)
    records = await world.served()
    assert [[item.tweet for item in record.items] for record in records] == [shown(page) for page in pages]
    items = [item for record in records for item in record.items]
    assert [item.position for item in items] == list(range(20))
    scored, tail = items[:8], items[8:]
    assert [item.score for item in scored] == sorted((item.score or 0.0 for item in scored), reverse=True)
    for item in scored:
        assert item.heads == [pytest.approx(item.score)]
        assert len(item.features) == 4 * len(FEATURES)
        assert item.rows == {name: (view.schema_id, 3) for name, view in VIEWS.items()}
    # Nothing is known of what was never scored.
    assert all(item.score is None and item.features == b"" and item.heads == [] for item in tail)
    assert {record.schema_hash for record in records} == {SCHEMA_HASH}
    assert {(record.viewer, record.model, record.rung) for record in records} == {(VIEWER, "home@1", "full")}


async def test_the_record_of_a_later_page_has_the_time_that_its_scores_were_made(world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    first = await world.page()
    world.clock.advance(60_000)
    await world.page(position=first.next_position)
    early, late = (record.now_ms for record in await world.served())
    assert early == late <= world.clock.now_ms() - 60_000


async def test_reading_goes_on_where_no_id_can_be_minted(world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    world.lease_lost = True
    assert len((await world.page()).items) == 3
    assert await world.served() == []


async def test_a_served_item_tells_what_made_its_score_and_its_place(world: FeedWorld) -> None:
    world.post(21, *range(113, 121))
    world.post(22, 116)
    world.use(
        replace(ENGAGEMENT, diversity=Diversity(decay=0.0, floor=0.5), source_factor={TIMELINE_SOURCE: 0.5})
    )
    await world.page(limit=8)
    (record,) = await world.served()
    items = record.items
    # The model likes 113 best and 120 least; all of an author's but the first count half.
    assert [item.tweet for item in items] == [113, 116, 114, 115, 117, 118, 119, 120]
    assert [item.place_before for item in items] == [0, 3, 1, 2, 4, 5, 6, 7]
    assert [item.author_rank for item in items] == [0, 0, *range(1, 7)]
    assert [item.diversity for item in items] == [1.0, 1.0, *[0.5] * 6]
    assert {(item.freshness, item.source_factor) for item in items} == {(1.0, 0.5)}
    assert [item.score for item in items] == [0.5 * item.heads[0] for item in items]


async def test_what_the_viewer_looked_at_is_demoted_and_the_record_says_so(world: FeedWorld) -> None:
    world.post(21, *range(114, 121))
    world.retweet(22, 113, 50)
    world.post(23, 50, followed=False)
    world.use(replace(ENGAGEMENT, diversity=None, seen=Seen(0.01)))
    # The model likes the oldest best; a retweet is looked at as its original.
    world.features.seen = [50, 116, 7]
    await world.page(limit=7)
    (record,) = await world.served()
    assert [item.tweet for item in record.items] == [114, 115, 117, 118, 119, 50, 116]
    assert [item.seen for item in record.items] == [1.0] * 5 + [0.01] * 2
    assert [item.score for item in record.items] == [item.seen * item.heads[0] for item in record.items]


async def test_what_is_looked_at_in_a_scroll_does_not_move_in_it(world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    first = await world.page(limit=3)
    world.features.seen = [item.root.tweet.tweet_id for item in first.items]
    rest = await world.page(limit=20, position=first.next_position)
    assert len(rest.items) == len(TWENTY) - 3
    again = await world.page(limit=3)
    assert not {item.tweet.tweet_id for item in again.items} & set(world.features.seen)


async def test_time_order_does_not_ask_what_was_looked_at(world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    world.features.seen = [119, 120]
    page = await world.page("chronological", limit=3)
    assert [item.tweet.tweet_id for item in page.items] == [120, 119, 118]
    assert world.features.asked == []


# -- the scored record -------------------------------------------------------------------------------


async def test_of_a_request_in_the_sample_everything_that_was_ranked_is_recorded(world: FeedWorld) -> None:
    world.scored_share = 1.0
    world.use(ENGAGEMENT)
    world.post(21, *TWENTY)
    world.retweet(22, 200, 50)
    world.post(23, 50, followed=False)
    await world.scroll(limit=5)
    (record,) = await world.scored()
    served = (await world.served())[0]
    assert (record.viewer, record.request_id, record.now_ms) == (VIEWER, served.request_id, served.now_ms)
    assert (record.model, record.objective, record.schema_hash) == ("home@1", ENGAGEMENT.label, SCHEMA_HASH)
    # Best first, by what is counted: the original and its author, not the retweet.
    assert np.frombuffer(record.tweets, "<i8").tolist() == [*range(114, 121), 50]
    assert np.frombuffer(record.authors, "<i8").tolist() == [21] * 7 + [23]
    assert record.sources == ["timeline"] * 8
    assert np.frombuffer(record.scores, "<f8")[:5].tolist() == [item.score for item in served.items]
    assert np.frombuffer(record.features, "<f4").reshape(8, -1).shape == (8, len(FEATURES))
    assert record.features[: 4 * len(FEATURES)] == served.items[0].features
    first = np.frombuffer(record.rows, "<u4").reshape(8, len(VIEWS), 2)[0]
    assert dict(zip(record.views, map(tuple, first.tolist()), strict=True)) == served.items[0].rows


async def test_what_was_not_ranked_or_not_served_or_not_drawn_has_no_matrix(world: FeedWorld) -> None:
    world.post(21, *TWENTY)
    await world.page()
    world.scored_share = 1.0
    world.use(ENGAGEMENT)
    await world.page("chronological")
    await world.feed.prepare(world.query())
    world.slates.away = True
    await world.page()
    world.slates.away = False
    world.lease_lost = True
    await world.page()
    world.lease_lost = False
    world.features.flushed = True
    await world.page()
    assert await world.scored() == []
