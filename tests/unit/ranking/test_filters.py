"""A filter's result is a subset in the same order, whatever is asked of it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.ids import TweetId, UserId
from core.types import Tweet
from ranking.candidate import POPULAR_SOURCE, TIMELINE_SOURCE, Candidates, Hydrated, Item
from ranking.filters import FILTERS, FIRST_FILTERS, visible
from stores.ports import Counts, Ids
from stores.tweet_cache import LiveTweet
from timelines.reader import Timeline

AUTHORS = st.integers(1, 6)
USERS = st.sets(AUTHORS)


@st.composite
def _hydrated(draw: st.DrawFn) -> Hydrated:
    ids = draw(st.lists(st.integers(1, 1_000), unique=True, max_size=30))
    items = {}
    for one in ids:
        tweet = root = Tweet(TweetId(one), UserId(draw(AUTHORS)), "x", 0)
        if draw(st.booleans()):
            root = Tweet(TweetId(one + 2_000), UserId(draw(AUTHORS)), "y", 0)
        if draw(st.booleans()):
            items[one] = Item(tweet, LiveTweet(root, Counts()))
    sources = [draw(st.sampled_from([TIMELINE_SOURCE, POPULAR_SOURCE])) for _ in ids]
    return Hydrated.of(Candidates(_ids(ids), sources), items)


def _ids(ids: list[int]) -> Ids:
    return np.array(ids, np.int64)


def _timeline(authors: set[int], blocked: set[int], muted: set[int]) -> Timeline:
    # The viewer, at least, is among those who may be shown.
    may, *hidden = (_ids(sorted(one)) for one in ({7, *authors}, blocked, muted))
    return Timeline(UserId(7), _ids([]), may, hidden[0], hidden[1], "list")


def _may_be_shown(
    item: Item | None, source: str, authors: set[int], hidden: set[int], *, first: bool
) -> bool:
    if item is None:
        return False
    by = {item.tweet.author_id, item.root.tweet.author_id}
    followed = item.tweet.author_id in authors
    if source == POPULAR_SOURCE and first:
        followed = not followed and item.tweet.tweet_id == item.root.tweet.tweet_id
    return (followed or (source == POPULAR_SOURCE and not first)) and not by & hidden


@given(candidates=_hydrated(), authors=USERS, blocked=USERS, muted=USERS, first=st.booleans())
def test_what_is_left_is_a_subset_in_order_and_exactly_what_may_be_shown(
    candidates: Hydrated, authors: set[int], blocked: set[int], muted: set[int], first: bool
) -> None:
    counted: dict[str, int] = {}
    filters = FIRST_FILTERS if first else FILTERS
    left = visible(candidates, _timeline(authors, blocked, muted), filters, counted.__setitem__)
    told = zip(candidates.ids.tolist(), candidates.items, candidates.sources, strict=True)
    allowed = {
        one: source
        for one, item, source in told
        if _may_be_shown(item, source, authors, blocked | muted, first=first)
    }
    assert left.ids.tolist() == list(allowed)
    assert left.sources == list(allowed.values())
    assert list(counted) == [filter_.name for filter_ in filters]
    assert sorted(counted.values(), reverse=True) == list(counted.values())
    assert counted[filters[-1].name] == len(allowed)
    assert [item.tweet.tweet_id for item in left.items if item is not None] == list(allowed)
    assert left.authors.tolist() == [item.tweet.author_id for item in left.items if item is not None]
    roots = [item.root.tweet for item in left.items if item is not None]
    assert left.roots.tolist() == [root.tweet_id for root in roots]
    assert left.root_authors.tolist() == [root.author_id for root in roots]


@given(candidates=_hydrated(), authors=USERS, blocked=USERS, muted=USERS)
def test_filters_do_not_depend_on_their_order(
    candidates: Hydrated, authors: set[int], blocked: set[int], muted: set[int]
) -> None:
    timeline = _timeline(authors, blocked, muted)
    forwards = visible(candidates, timeline, FILTERS)
    backwards = visible(candidates, timeline, FILTERS[::-1])
    assert forwards.ids.tolist() == backwards.ids.tolist()


def test_nothing_is_left_of_nothing() -> None:
    nothing = Hydrated.of(Candidates(_ids([]), []), {})
    assert len(visible(nothing, _timeline({1}, {2}, {3}), FILTERS)) == 0
