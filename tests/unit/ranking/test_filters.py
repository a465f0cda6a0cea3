"""A filter's result is a subset in the same order, whatever is asked of it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.ids import TweetId, UserId
from core.types import Tweet
from ranking.candidate import Candidates, Hydrated
from ranking.filters import GoneFilter, NotFollowedFilter, visible
from timelines.reader import Timeline

FILTERS = (GoneFilter(), NotFollowedFilter())
AUTHORS = st.integers(1, 6)


@st.composite
def _hydrated(draw: st.DrawFn) -> Hydrated:
    ids = draw(st.lists(st.integers(1, 1_000), unique=True, max_size=30))
    tweets = {one: Tweet(TweetId(one), UserId(draw(AUTHORS)), "x", 0) for one in ids if draw(st.booleans())}
    return Hydrated.of(Candidates(np.array(ids, np.int64), [f"source {one}" for one in ids]), tweets)


def _timeline(authors: set[int]) -> Timeline:
    return Timeline(UserId(7), np.empty(0, np.int64), np.array(sorted(authors), np.int64), "list")


@given(candidates=_hydrated(), authors=st.sets(AUTHORS))
def test_what_is_left_is_a_subset_in_order_and_exactly_what_may_be_shown(
    candidates: Hydrated, authors: set[int]
) -> None:
    left = visible(candidates, _timeline(authors), FILTERS)
    allowed = [
        one
        for one, tweet in zip(candidates.ids.tolist(), candidates.tweets, strict=True)
        if tweet is not None and tweet.author_id in authors
    ]
    assert left.ids.tolist() == allowed
    assert left.sources == [f"source {one}" for one in allowed]
    assert [tweet.tweet_id for tweet in left.tweets if tweet is not None] == allowed


@given(candidates=_hydrated(), authors=st.sets(AUTHORS))
def test_filters_do_not_depend_on_their_order(candidates: Hydrated, authors: set[int]) -> None:
    forwards = visible(candidates, _timeline(authors), FILTERS)
    backwards = visible(candidates, _timeline(authors), FILTERS[::-1])
    assert forwards.ids.tolist() == backwards.ids.tolist()


def test_nothing_is_left_of_nothing() -> None:
    nothing = Hydrated.of(Candidates(np.empty(0, np.int64), []), {})
    assert len(visible(nothing, _timeline({1}), FILTERS).ids) == 0
