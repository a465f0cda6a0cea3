"""Hydration: ids become items. Nothing is dropped or put in another order; what is gone has no item."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from ranking.candidate import Item
from stores.tweet_cache import LiveTweet

Live = Callable[[Sequence[int]], Awaitable[Mapping[int, LiveTweet]]]
"""Tweets by id, those that are gone apart: `TweetCache.get_live`, or what stands in for it."""


async def hydrate(tweet_ids: Sequence[int], live: Live, foreseen: Iterable[int] = ()) -> dict[int, Item]:
    """Items by id, of tweets that are there and whose roots are.

    One round trip, and another where retweets are among them whose originals are neither among them nor
    `foreseen`. Raises as `live`.
    """
    asked = dict.fromkeys((*tweet_ids, *foreseen))
    found = await live(list(asked))
    originals = {one.tweet.retweet_of for one in found.values()}
    if len(originals) > 1 or None not in originals:
        absent = [one for one in originals - asked.keys() if one is not None]
        if absent:
            found = {**found, **await live(absent)}
    items: dict[int, Item] = {}
    for tweet_id in tweet_ids:
        one = found.get(tweet_id)
        if one is not None:
            original = one.tweet.retweet_of
            root = one if original is None else found.get(original)
            if root is not None:
                items[tweet_id] = Item(one.tweet, root)
    return items
