"""Hydration drops nothing and changes no order: what is gone has no item, and stands where it stood."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.ids import TweetId, UserId
from core.types import Tweet
from ranking.candidate import Candidates, Hydrated, Item
from ranking.hydrators import Live, hydrate
from stores.ports import Counts
from stores.tweet_cache import LiveTweet

KNOWN = st.dictionaries(st.integers(1, 20), st.one_of(st.none(), st.integers(1, 25)))
"""Tweets that are there, and what each retweets."""


@given(
    known=KNOWN,
    asked=st.lists(st.integers(1, 25), unique=True),
    foreseen=st.lists(st.integers(1, 25), unique=True),
)
def test_what_was_asked_for_is_there_in_its_order_and_gone_is_gone(
    known: dict[int, int | None], asked: list[int], foreseen: list[int]
) -> None:
    trips = 0

    async def live(ids: Sequence[int]) -> Mapping[int, LiveTweet]:
        nonlocal trips
        trips += 1
        assert len(set(ids)) == len(ids)
        return {
            one: LiveTweet(
                Tweet(TweetId(one), UserId(one + 100), "x", 0, retweet_of=_id(known[one])), Counts()
            )
            for one in ids
            if one in known
        }

    found = asyncio.run(_hydrated(asked, live, foreseen))
    sources = [f"of {one}" for one in asked]
    hydrated = Hydrated.of(Candidates(np.array(asked, np.int64), sources), found)
    assert hydrated.ids.tolist() == asked
    assert hydrated.sources == sources
    for one, item, root in zip(asked, hydrated.items, hydrated.roots.tolist(), strict=True):
        original = known.get(one) or one
        there = one in known and original in known
        assert (item is not None) == there
        assert root == (original if there else 0)
    assert trips <= 2


async def _hydrated(asked: list[int], live: Live, foreseen: list[int]) -> dict[int, Item]:
    return await hydrate(asked, live, foreseen)


def _id(one: int | None) -> TweetId | None:
    return None if one is None else TweetId(one)
