"""A tweet by its id, and a user's own: nothing gone, nothing across a block, and nothing else missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from core.errors import Gone, NotFound
from core.ids import UserId
from ranking.single_reads import SingleReads
from stores.ports import Deletion, Hidden, Ids
from tests.unit.ranking.fake_reading import FakeTweets
from tests.unit.ranking.feed_world import VIEWER, FeedWorld
from timelines.relations import Relations

ADA, BOB, EVE = 21, 22, 23


class FakeRelations(Relations):
    def __init__(self) -> None:
        self.blocked: set[int] = set()

    async def hidden(self, viewer: UserId) -> Hidden:
        # Whoever is muted can still be looked at.
        everybody = np.arange(20, 30, dtype=np.int64)
        return Hidden(np.array(sorted(self.blocked), np.int64), everybody, 1)


class FakeRecords:
    def __init__(self, tweets: FakeTweets) -> None:
        self._tweets = tweets
        self.deleted: dict[int, Deletion] = {}
        self.reads = 0

    async def deletions(self, tweet_ids: Sequence[int]) -> Mapping[int, Deletion]:
        return {one: self.deleted[one] for one in tweet_ids if one in self.deleted}

    async def newest_ids(self, authors: Ids, *, before: int | None, limit: int) -> Ids:
        self.reads += 1
        ids = [
            one.tweet_id
            for one in self._tweets.tweets.values()
            if one.author_id in authors and (before is None or one.tweet_id < before)
        ]
        return np.array(sorted(ids, reverse=True)[:limit], np.int64)


class World:
    def __init__(self, feeds: FeedWorld) -> None:
        self.feeds = feeds
        self.relations = FakeRelations()
        self.records = FakeRecords(feeds.tweets)
        self.reads = SingleReads(feeds.tweets, feeds.users, self.relations, self.records)

    def delete(self, tweet_id: int) -> None:
        author = self.feeds.tweets.tweets.pop(tweet_id).author_id
        self.records.deleted[tweet_id] = Deletion(author, tweet_id + 1)

    async def of_ada(self, limit: int) -> list[int]:
        """All of Ada's tweets, page by page."""
        found: list[int] = []
        below = None
        while True:
            shown = await self.reads.of_user(VIEWER, UserId(ADA), below, limit + 1)
            found += [one.tweet.tweet_id for one in shown[:limit]]
            if len(shown) <= limit:
                return found
            below = found[-1]


@pytest.fixture(name="small")
def small_world(world: FeedWorld) -> World:
    world.post(ADA, 100)
    world.post(BOB, 101)
    world.retweet(ADA, 102, 101)
    world.post(EVE, 103)
    return World(world)


async def test_a_tweet_and_a_retweet_with_its_original(small: World) -> None:
    plain = await small.reads.tweet(VIEWER, 100)
    assert (plain.tweet.tweet_id, plain.author.user_id, plain.root.counts.likes) == (100, ADA, 100)
    retweet = await small.reads.tweet(VIEWER, 102)
    assert (retweet.tweet.tweet_id, retweet.author.user_id) == (102, ADA)
    assert (retweet.root.tweet.tweet_id, retweet.root_author.user_id) == (101, BOB)
    assert retweet.root.counts.likes == 101


async def test_what_is_not_there(small: World) -> None:
    for absent in (1, 99):
        with pytest.raises(NotFound):
            await small.reads.tweet(VIEWER, absent)
    small.feeds.tweets.hidden.add(100)
    with pytest.raises(NotFound):
        await small.reads.tweet(VIEWER, 100)
    small.feeds.post(24, 104, profile=False)
    with pytest.raises(NotFound):
        await small.reads.tweet(VIEWER, 104)


async def test_what_was_deleted_is_gone_and_so_is_what_repeats_it(small: World) -> None:
    small.delete(101)
    for gone in (101, 102):
        with pytest.raises(Gone):
            await small.reads.tweet(VIEWER, gone)


@pytest.mark.parametrize(("blocked", "unseen"), [(ADA, (100, 102)), (BOB, (101, 102))])
async def test_nothing_is_seen_across_a_block_and_it_is_not_told_why(
    blocked: int, unseen: Sequence[int], small: World
) -> None:
    small.relations.blocked = {blocked}
    for one in unseen:
        with pytest.raises(NotFound):
            await small.reads.tweet(VIEWER, one)
    assert (await small.reads.tweet(VIEWER, 103)).tweet.tweet_id == 103
    small.delete(101)
    for one in unseen:
        with pytest.raises(NotFound):
            await small.reads.tweet(VIEWER, one)


@pytest.mark.parametrize("limit", [1, 2, 7, 100])
async def test_a_users_tweets_are_all_there_and_pages_are_full(limit: int, small: World) -> None:
    world = small.feeds
    world.post(ADA, *range(200, 260, 2))
    world.post(BOB, 199)
    world.post(EVE, 198)
    expected = [102, 100]
    for one in range(201, 260, 2):
        world.retweet(ADA, one, 199 if one % 3 else 198)
    small.delete(198)
    small.delete(230)
    world.tweets.hidden.add(232)
    small.relations.blocked = {EVE}
    expected += [one for one in range(200, 260, 2) if one not in (230, 232)]
    expected += [one for one in range(201, 260, 2) if one % 3]
    assert await small.of_ada(limit) == sorted(expected, reverse=True)


async def test_a_way_past_much_that_is_gone_takes_few_steps(small: World) -> None:
    world = small.feeds
    for one in range(1_000, 3_000):
        world.retweet(ADA, one, 101)
    small.delete(101)
    assert await small.of_ada(5) == [100]
    assert small.records.reads < 20


async def test_whose_tweets_are_not_shown(small: World) -> None:
    with pytest.raises(NotFound):
        await small.reads.of_user(VIEWER, UserId(99), None, 5)
    small.relations.blocked = {ADA}
    with pytest.raises(NotFound):
        await small.reads.of_user(VIEWER, UserId(ADA), None, 5)
    assert await small.reads.of_user(VIEWER, UserId(EVE), 103, 5) == []
