"""A seed makes one world; follows have heavy tails and carry interest."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import ConfigurationError
from simulation.follows import FEWEST, followed_ms, make_follows
from simulation.people import make_authors, make_viewers
from simulation.world import World, make_world

DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(2_400, 7)


def test_a_seed_makes_the_same_world_again(world: World) -> None:
    again, other = make_world(2_400, 7), make_world(2_400, 8)
    assert np.array_equal(world.follows.authors, again.follows.authors)
    assert np.array_equal(world.viewers.interests, again.viewers.interests)
    assert not np.array_equal(world.viewers.interests, other.viewers.interests)
    assert (len(world.viewers), len(world.authors)) == (2_160, 240)


def test_viewers_follow_distinct_authors_who_are_there(world: World) -> None:
    for viewer in range(0, 2_000, 100):
        followees = world.follows.of(viewer)
        assert np.all(np.diff(followees) > 0)
        assert len(followees) >= FEWEST
        assert 0 <= followees[0] < followees[-1] < 240
    assert np.array_equal(np.bincount(world.follows.followers), np.diff(world.follows.starts))


def test_a_few_have_most_of_the_followers_and_write_most() -> None:
    authors = make_authors(7, 1_500)
    follows = make_follows(7, make_viewers(7, 1_500), authors)
    for owned in (np.bincount(follows.authors, minlength=1_500), authors.tweets):
        rising = np.sort(owned)
        assert rising[-150:].sum() > 0.3 * rising.sum()
        assert rising[-1] > 8 * np.median(rising)
    followees = np.diff(follows.starts)
    assert followees.max() > 6 * np.median(followees)


def test_people_follow_what_they_love(world: World) -> None:
    liking = world.viewers.interests @ world.authors.mixes.T
    followed = liking[world.follows.followers, world.follows.authors]
    assert followed.mean() > liking.mean() + 0.3


def test_most_follows_are_older_than_the_past_and_some_are_made_in_it(world: World) -> None:
    begin, end = 1_000 * DAY_MS, 1_007 * DAY_MS
    at_ms = followed_ms(7, world.follows, begin, end)
    assert at_ms.max() < end
    assert 0.03 < (at_ms >= begin).mean() < 0.1


@pytest.mark.parametrize("users", [29, 100_001])
def test_a_size_out_of_bounds_is_refused(users: int) -> None:
    with pytest.raises(ConfigurationError, match="30 to 100,000 users"):
        make_world(users, 1)
