"""A tweet and its retweets are one item of a scroll, whichever pages they would stand on."""

from __future__ import annotations

import random

import numpy as np
import pytest

from core.types import Tweet
from ranking.candidate import root_id
from tests.unit.ranking.fake_ranking import FakeModel
from tests.unit.ranking.feed_world import VIEWER, FeedWorld, shown

ADA, BOB, EVE, MAX, STRANGER = 21, 22, 23, 24, 25
SEEDS = range(40)


def truth(world: FeedWorld) -> list[int]:
    """The feed as it is defined, without any of the ways that lead to it."""
    tweets = {one: tweet for one, tweet in world.tweets.tweets.items() if one not in world.tweets.hidden}
    timelines = world.timelines
    unseen = timelines.blocked | timelines.muted

    def may_be_shown(tweet: Tweet) -> bool:
        root = tweets.get(root_id(tweet))
        if root is None or {tweet.author_id, root.author_id} & unseen:
            return False
        return tweet.author_id in timelines.authors

    newest: dict[int, int] = {}
    for one, tweet in sorted(tweets.items()):
        if may_be_shown(tweet):
            newest[root_id(tweet)] = one
    return sorted(newest.values(), reverse=True)


def busy(world: FeedWorld, seed: int) -> None:
    """Sixty tweets and retweets of each other, of all kinds of people, and some that are gone."""
    randomness = random.Random(seed)
    people = [VIEWER, ADA, BOB, EVE, MAX, STRANGER]
    originals: list[int] = []
    for one in range(100, 160):
        author = randomness.choice(people)
        followed = author != STRANGER
        if originals and randomness.random() < 0.5:
            world.retweet(author, one, randomness.choice(originals[-8:]), followed=followed)
        else:
            world.post(author, one, followed=followed)
            originals.append(one)
    for one in randomness.sample(range(100, 160), 10):
        world.tweets.hidden.add(one) if randomness.random() < 0.5 else world.tweets.tweets.pop(one)
    if randomness.random() < 0.5:
        world.timelines.blocked = {randomness.choice([EVE, STRANGER])}
    if randomness.random() < 0.5:
        world.timelines.muted = {randomness.choice([MAX, STRANGER])}
    if randomness.random() < 0.7:
        # The list ends somewhere, and holds what should not be there.
        world.timelines.listed = list(range(160 - randomness.randrange(1, 60), 160))
    if randomness.random() < 0.1:
        world.timelines.listed, world.timelines.origin = [], "store"


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
@pytest.mark.parametrize("seed", SEEDS)
async def test_a_chronological_scroll_is_the_truth(seed: int, limit: int, world: FeedWorld) -> None:
    busy(world, seed)
    assert shown(await world.scroll("chronological", limit=limit)) == truth(world)


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
@pytest.mark.parametrize("seed", SEEDS)
async def test_a_ranked_scroll_has_the_same_items(seed: int, limit: int, world: FeedWorld) -> None:
    busy(world, seed)
    if truth(world):
        assert sorted(shown(await world.scroll(limit=limit)), reverse=True) == truth(world)


@pytest.mark.parametrize("page", range(1, 6))
@pytest.mark.parametrize("seed", SEEDS[:10])
async def test_a_slate_that_is_made_again_repeats_no_root(seed: int, page: int, world: FeedWorld) -> None:
    busy(world, seed)

    async def expire(number: int) -> None:
        if number == page:
            world.slates.slates.clear()
            # What others retweet meanwhile was shown already, or is shown once.
            for one, tweet in list(world.tweets.tweets.items())[-30:]:
                if tweet.retweet_of is None:
                    world.retweet(ADA, 1_000 + one, one)

    pages = await world.scroll(between=expire)
    roots = [root_id(world.tweets.tweets[one]) for one in shown(pages)]
    assert len(set(roots)) == len(roots)


async def test_what_comes_during_a_scroll_hides_nothing_of_it(world: FeedWorld) -> None:
    world.post(ADA, *range(101, 121))

    async def retweet(number: int) -> None:
        world.retweet(BOB, 200 + number, 100 + number)

    for algorithm in ("chronological", "ranked"):
        pages = await world.scroll(algorithm, between=retweet)
        assert sorted(shown(pages)) == list(range(101, 121))
        world.tweets.tweets = {one: tweet for one, tweet in world.tweets.tweets.items() if one < 200}


async def test_a_retweet_that_is_taken_back_gives_its_place_to_the_next(world: FeedWorld) -> None:
    world.post(ADA, *range(101, 111))
    world.retweet(BOB, 200, 102)
    world.retweet(EVE, 150, 102)
    assert shown(await world.page("chronological"))[0] == 200

    async def delete(number: int) -> None:
        world.tweets.tweets.pop(200, None)

    pages = await world.scroll("chronological", between=delete)
    # What was served is not served again in another place.
    assert shown(pages) == [200, *range(110, 102, -1), 101]
    assert shown(await world.scroll("chronological")) == [150, *range(110, 102, -1), 101]
    world.timelines.muted = {EVE}
    assert shown(await world.scroll("chronological")) == list(range(110, 100, -1))


async def test_a_retweet_is_scored_and_recorded_as_what_it_repeats(world: FeedWorld) -> None:
    world.post(STRANGER, 101, followed=False)
    world.post(ADA, 102, 103)
    world.retweet(BOB, 104, 101)
    world.retweet(BOB, 105, 102)
    world.model = FakeModel(lambda n: np.linspace(0.0, 1.0, n, dtype=np.float32).reshape(-1, 1))
    page = await world.page(limit=5)
    assert shown(page) == [103, 104, 105]
    assert [(item.root.tweet.tweet_id, item.root_author.user_id) for item in page.items] == [
        (103, ADA),
        (101, STRANGER),
        (102, ADA),
    ]
    assert world.features.asked == [([102, 101, 103], [ADA, STRANGER, ADA])]
    (record,) = await world.served()
    assert [(item.tweet, item.author) for item in record.items] == [(103, ADA), (101, STRANGER), (102, ADA)]
    assert world.slates.seen == [103, 101, 102]
    # Its counts are those of what it repeats.
    assert [item.root.counts.likes for item in page.items] == [103, 101, 102]


async def test_only_what_the_list_does_not_reach_is_asked_of_the_store(world: FeedWorld) -> None:
    world.post(ADA, *range(101, 141))
    world.timelines.listed = list(range(121, 141))
    pages = await world.scroll("chronological", limit=5)
    assert len(pages) == 8
    # The pages that begin in the list's last place or below it.
    assert world.timelines.retweets_asked == 3


async def test_an_original_whose_clock_ran_ahead_of_its_retweets(world: FeedWorld) -> None:
    """Ids of two machines: the original's may be the higher one."""
    for limit in (1, 2, 10):
        world.post(ADA, 101, 103, 110)
        world.retweet(BOB, 102, 110)
        assert shown(await world.scroll("chronological", limit=limit)) == [110, 103, 101]


async def test_without_the_store_a_page_is_made_without_looking_and_says_so(world: FeedWorld) -> None:
    world.post(ADA, *range(101, 111))
    world.retweet(BOB, 111, 101)
    first = await world.page("chronological", limit=3)
    assert shown(first) == [111, 110, 109]
    # What stands above the page is known to the store alone, and what is on it is cached.
    world.tweets.tweets = {one: tweet for one, tweet in world.tweets.tweets.items() if one < 109}
    world.tweets.cached = set(world.tweets.tweets)
    world.tweets.only_cached = True
    world.timelines.listed = list(range(101, 112))
    second = await world.page("chronological", limit=3, position=first.next_position)
    assert (shown(second), second.meta.partial) == ([108, 107, 106], True)
