"""Lists of what viewers have looked at: each root once, the newest kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.accumulate import Observation
from features.schema import ENGAGEMENTS
from features.seen_list import KEPT, SeenLists, decode_seen
from features.view import EventKind


def look(lists: SeenLists, tweet: int, kind: EventKind = "seen", *, viewer: int = 1, weight: int = 1) -> None:
    lists.apply(Observation(0, kind, viewer, 3, tweet, weight=weight))


def seen(lists: SeenLists, viewer: int = 1) -> list[int]:
    """What the list that changed says."""
    (packed,) = [one.packed for one in lists.drain() if one.viewer == viewer]
    decoded = decode_seen(packed)
    assert decoded is not None
    tweets: list[int] = decoded.tolist()
    return tweets


@pytest.mark.parametrize("kind", ENGAGEMENTS)
def test_whatever_is_done_to_a_tweet_was_a_look_at_it(kind: EventKind) -> None:
    lists = SeenLists()
    look(lists, 7, kind)
    assert seen(lists) == [7]


def test_a_follow_a_post_and_what_is_taken_back_are_no_looks() -> None:
    lists = SeenLists()
    look(lists, 0, "follow")
    look(lists, 7, "tweet", viewer=0)
    look(lists, 7, "like", weight=-1)
    assert lists.drain() == []


def test_a_second_look_changes_nothing() -> None:
    lists = SeenLists()
    look(lists, 7)
    lists.drain()
    look(lists, 7, "click")
    assert lists.drain() == []


def test_the_oldest_looks_are_forgotten() -> None:
    lists = SeenLists()
    for tweet in range(1, KEPT + 4):
        look(lists, tweet)
    assert seen(lists) == list(range(4, KEPT + 4))


def test_a_list_goes_on_from_where_the_file_has_it() -> None:
    first = SeenLists()
    look(first, 7)
    (kept,) = first.drain()
    second = SeenLists()
    assert second.unknown([Observation(0, "seen", 1, 3, 8), Observation(0, "follow", 2, 3, 0)]) == [1]
    second.load(*kept)
    assert second.unknown([Observation(0, "seen", 1, 3, 8)]) == []
    look(second, 8)
    assert seen(second) == [7, 8]


@pytest.mark.parametrize("packed", [b"", b"\xf6\x02" + b"\0" * 14, b"\xf6\x01" + b"\0" * 9])
def test_a_list_of_another_format_is_none_and_starts_anew(packed: bytes) -> None:
    assert decode_seen(packed) is None
    lists = SeenLists()
    lists.load(1, packed)
    look(lists, 8)
    assert seen(lists) == [8]


def test_nobody_knows_a_list_that_is_not_there() -> None:
    assert decode_seen(None) is None


# Ids of few bytes, so that one is often found amid two others.
@given(st.lists(st.sampled_from([1, 256, 2**8 + 1, 2**16, 2**56, 2**56 + 1, 2**62]), max_size=30))
def test_a_list_has_each_tweet_once_in_the_order_of_first_looks(tweets: list[int]) -> None:
    lists = SeenLists()
    for tweet in tweets:
        look(lists, tweet)
    assert (seen(lists) if tweets else []) == list(dict.fromkeys(tweets))
