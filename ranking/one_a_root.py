"""A tweet and its retweets are one item, at the newest place that the viewer may see.

Within a page that is a set of roots. A later page also has to know what stands above it: of that the
list tells as far as it reaches, and the store below. Nothing is kept from page to page but the id at
the top of the scroll: what came after it is not shown in this scroll and hides nothing of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from core.ids import MAX_ID
from ranking.candidate import TIMELINE_SOURCE, Candidates, Hydrated, Item, root_id
from ranking.filters import Filter, visible
from ranking.patience import Patience
from stores.ports import Ids
from stores.tweet_cache import LiveTweet, TweetCache
from timelines.reader import Timeline, TimelineReader


class OneARoot:
    """One page's. `above` is the lowest id above the page, None where the page is the scroll's first;
    `top` the highest id of the scroll, 0 where that is not known. `shown` are roots that the scroll has
    shown and that nothing else tells of: those that were recommended."""

    def __init__(
        self,
        tweets: TweetCache,
        timelines: TimelineReader,
        filters: tuple[Filter, ...],
        timeline: Timeline,
        patience: Patience,
        *,
        above: int | None,
        top: int,
        shown: Iterable[int] = (),
    ) -> None:
        self._tweets = tweets
        self._timelines = timelines
        self._filters = filters
        self._timeline = timeline
        self._patience = patience
        self._above = above
        self._top = top or MAX_ID
        self._seen: set[int] = set(shown)
        self._listed: Mapping[int, Sequence[int]] | None = None

    async def of(self, candidates: Hydrated) -> Hydrated:
        """Without those whose root was shown already; they come in the page's order, all of them visible.

        Raises Unavailable.
        """
        mask = np.ones(len(candidates), np.bool_)
        for place, root in enumerate(candidates.roots.tolist()):
            mask[place] = root not in self._seen
            self._seen.add(root)
        left = candidates.keep(mask)
        if self._above is None or not len(left):
            return left
        shown = await self._shown_above(left, self._above)
        return left.keep(
            np.fromiter((root not in shown for root in left.roots.tolist()), np.bool_, len(left))
        )

    async def _shown_above(self, candidates: Hydrated, above: int) -> set[int]:
        """The roots of these that have an item which the viewer may see, from `above` to the top."""
        kept = [item.root for item in candidates.items if item is not None]
        roots: dict[int, LiveTweet] = {root.tweet.tweet_id: root for root in kept}
        retweets = await self._retweets(list(roots), above)
        ids = [one for root in roots for one in retweets.get(root, ()) if one <= self._top]
        # Ids of two machines: an original's may be higher than that of its retweet.
        ids += [root for root in roots if above <= root <= self._top]
        if not ids:
            return set()
        # Read anew: what is deleted or hidden since hides nothing.
        live = await self._patience.spare(
            lambda: self._tweets.get_live(ids), lambda: self._tweets.at_hand_live(ids)
        )
        items = {id_: Item(one.tweet, roots[root_id(one.tweet)]) for id_, one in live.items()}
        found = Hydrated.of(Candidates(np.array(ids, np.int64), [TIMELINE_SOURCE] * len(ids)), items)
        return set(visible(found, self._timeline, self._filters).roots.tolist())

    async def _retweets(self, roots: Sequence[int], above: int) -> Mapping[int, Iterable[int]]:
        """Retweets of these from `above` on, of whoever may be shown; there may be others among them."""
        ids = self._timeline.ids
        if not len(ids) or above < ids[-1]:
            found = await self._patience.spare(
                lambda: self._timelines.retweets(self._timeline, roots, since=above), _none_at_hand
            )
            return {root: retweets.tolist() for root, retweets in found.items()}
        if self._listed is None:
            self._listed = await self._listed_retweets(ids[(ids >= above) & (ids <= self._top)].tolist())
        return self._listed

    async def _listed_retweets(self, ids: Sequence[int]) -> Mapping[int, Sequence[int]]:
        bodies = await self._patience.spare(
            lambda: self._tweets.get_many(ids), lambda: self._tweets.at_hand(ids)
        )
        found: dict[int, list[int]] = defaultdict(list)
        for tweet in bodies.values():
            if tweet.retweet_of is not None:
                found[tweet.retweet_of].append(tweet.tweet_id)
        return found


async def _none_at_hand() -> Mapping[int, Ids]:
    return {}
