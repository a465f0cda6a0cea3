"""A past keeps to what could have been seen, and is the same whoever else is asked about."""

from __future__ import annotations

import numpy as np
import pytest

from simulation.habits import HOUR_MS
from simulation.past import SHUFFLED, Looks, Past
from simulation.world import make_world

UNTIL = 490_000 * HOUR_MS + 1_800_000
DAY_MS = 24 * HOUR_MS


@pytest.fixture(scope="module")
def past() -> Past:
    return Past(make_world(360, 5), UNTIL - 3 * DAY_MS, UNTIL)


@pytest.fixture(scope="module")
def looks(past: Past) -> list[Looks]:
    return list(past.looks())


def test_a_viewer_sees_what_followees_wrote_before_and_each_once(past: Past, looks: list[Looks]) -> None:
    follows = past.world.follows
    followed = set(zip(follows.followers.tolist(), follows.authors.tolist(), strict=True))
    for block in looks:
        authors = past.tweets.authors[block.tweets]
        assert set(zip(block.viewers.tolist(), authors.tolist(), strict=True)) <= followed
        assert np.all(past.tweets.at_ms[block.tweets] < block.at_ms)
        assert np.all((block.at_ms >= past.from_ms) & (block.at_ms < past.until_ms))
        assert len(np.unique(block.viewers * 2**32 + block.tweets)) == len(block)


def test_a_follow_shows_nothing_before_it_was_made(past: Past, looks: list[Looks]) -> None:
    follows = past.world.follows
    since = dict(
        zip(
            zip(follows.followers.tolist(), follows.authors.tolist(), strict=True),
            past.followed_ms.tolist(),
            strict=True,
        )
    )
    late = 0
    for block in looks:
        authors = past.tweets.authors[block.tweets].tolist()
        for viewer, author, at_ms in zip(block.viewers.tolist(), authors, block.at_ms.tolist(), strict=True):
            late += since[viewer, author] > past.from_ms
            assert since[viewer, author] <= at_ms
    assert late


def test_most_sessions_are_in_time_order_and_some_are_shuffled(past: Past, looks: list[Looks]) -> None:
    ordered = []
    for block in looks:
        session = block.viewers * 2**32 + block.sessions
        for one in np.unique(session):
            mine = np.flatnonzero(session == one)
            assert np.all(np.diff(block.positions[mine]) > 0)
            if len(mine) > 3:
                ordered.append(bool(np.all(np.diff(past.tweets.at_ms[block.tweets[mine]]) <= 0)))
    assert abs(1.0 - float(np.mean(ordered)) - SHUFFLED) < 0.05


def test_the_same_seed_makes_the_same_past(past: Past, looks: list[Looks]) -> None:
    again = list(Past(make_world(360, 5), past.from_ms, past.until_ms).looks())
    other = list(Past(make_world(360, 6), past.from_ms, past.until_ms).looks())
    assert (
        [len(block) for block in again] == [len(block) for block in looks] != [len(block) for block in other]
    )
    assert all(np.array_equal(a.tweets, b.tweets) for a, b in zip(again, looks, strict=True))


def test_a_past_too_short_for_a_tweet_is_empty() -> None:
    assert sum(len(block) for block in Past(make_world(30, 5), UNTIL - 1, UNTIL).looks()) == 0
