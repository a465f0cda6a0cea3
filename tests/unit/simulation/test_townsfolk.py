"""The world is the same for the same seed, and its truth is a probability."""

from __future__ import annotations

import numpy as np

from simulation.townsfolk import TownOptions, Townsfolk

OPTIONS = TownOptions(viewers=10, authors=6, follows=4, seed=7)


def _story(world: Townsfolk) -> list[object]:
    drafts = [world.draft(author) for author in range(6) for _ in range(3)]
    clicks = [world.clicks(viewer, draft) for viewer in range(10) for draft in drafts]
    return [drafts, clicks, [one.tolist() for one in world.follows], world.interests.tolist()]


def test_a_seed_makes_the_same_world_again() -> None:
    assert _story(Townsfolk(OPTIONS)) == _story(Townsfolk(OPTIONS))
    assert _story(Townsfolk(OPTIONS)) != _story(Townsfolk(TownOptions(10, 6, 4, seed=8)))


def test_viewers_follow_distinct_authors_and_no_more_than_there_are() -> None:
    for options in (OPTIONS, TownOptions(viewers=5, authors=3, follows=10, seed=1)):
        world = Townsfolk(options)
        assert len(world.follows) == options.viewers
        for authors in world.follows:
            assert len(set(authors.tolist())) == len(authors) == min(options.follows, options.authors)


def test_a_click_is_likelier_where_the_interest_is_greater() -> None:
    world = Townsfolk(OPTIONS)
    for draft in (world.draft(author) for author in range(6)):
        by_interest = np.argsort(world.interests[:, draft.topic])
        chances = [world.click_probability(int(viewer), draft) for viewer in by_interest]
        assert chances == sorted(chances)
        assert all(0.0 < chance < 1.0 for chance in chances)


def test_whoever_looks_anywhere_looks_at_the_top() -> None:
    world = Townsfolk(OPTIONS)
    assert all(world.examined(0) for _ in range(100))
