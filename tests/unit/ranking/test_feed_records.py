"""What was served is recorded as it was, and of some requests everything that was ranked."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from features.schema import FEATURES, SCHEMA_HASH, VIEWS
from ranking.candidate import TIMELINE_SOURCE
from ranking.objective import ENGAGEMENT, Diversity, Seen
from tests.unit.ranking.feed_world import TWENTY, VIEWER, FeedWorld, shown


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
