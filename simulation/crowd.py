"""All viewers and authors of a world as clients of a running product."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from core.clock import Clock
from simulation.arms import ARMS, arms_of
from simulation.client import FeedClient
from simulation.draws import uniform
from simulation.known_tweets import KnownTweets
from simulation.ledger import Ledger
from simulation.together import together
from simulation.tweets import Ints, live_tweets
from simulation.visit import LiveViewer, Pages, Surroundings, Visit
from simulation.world import World

READERS = 3
"""So many read side by side, as are ranked at once by default: nobody is turned away for want of a place."""
_POLL_S = 0.01
_PATIENCE_S = 30.0
_PROBED = 100


@dataclass(frozen=True, slots=True)
class Settled:
    """People who are known to a product, by what it calls them.

    `viewers` int64 [n_viewers] and `authors` [n_authors] are its ids of them; `looked` has for each
    viewer the ids of tweets that were looked at in the past.
    """

    viewers: Ints
    authors: Ints
    tweets: KnownTweets
    ledger: Ledger
    looked: Mapping[int, set[int]]


class Crowd:
    """`considered` is how many candidates of a viewer's own feed ranking looks at."""

    def __init__(
        self,
        world: World,
        settled: Settled,
        client_of: Callable[[int], FeedClient],
        clock: Clock,
        considered: int,
    ) -> None:
        self.world, self.tweets, self.ledger = world, settled.tweets, settled.ledger
        self.pages, self.clock = Pages(), clock
        self._settled = settled
        ids = settled.authors.tolist()
        around = Surroundings(world, self.tweets, self.ledger, self.pages, clock, considered, ids.__getitem__)
        self.viewers = [
            LiveViewer(number, client_of(user_id), around, set(settled.looked.get(number, ())))
            for number, user_id in enumerate(settled.viewers.tolist())
        ]
        self._authors = [client_of(user_id) for user_id in ids]
        self._serial = itertools.count()

    def user_id_of(self, viewer: int) -> int:
        return int(self._settled.viewers[viewer])

    async def visits(self, session: int) -> list[Visit]:
        """Every viewer comes once, in an order by chance, and is shown the order of their arm."""
        arms = arms_of(self.world.seed, len(self.viewers))
        turns = np.argsort(uniform(self.world.seed, "turn", np.arange(len(self.viewers)), session))
        visits = (self.viewers[viewer].visit(ARMS[arms[viewer]], session) for viewer in turns.tolist())
        return await together(visits, READERS)

    async def post(self, tweets: int) -> int:
        """So many tweets, by those who write most; how many that were."""
        weight = np.cumsum(self.world.authors.tweets)
        first = len(self.tweets)
        drawn = uniform(self.world.seed, "posts live", first + np.arange(tweets)) * weight[-1]
        authors = np.searchsorted(weight, drawn, side="right").clip(max=len(weight) - 1)
        await together(self.post_as(int(author)) for author in authors)
        return tweets

    async def post_as(self, author: int) -> int:
        """Posts one tweet; its id once it was acknowledged."""
        number = next(self._serial)
        tweet = live_tweets(
            self.world.seed, self.world.authors, np.array([author]), np.array([self.clock.now_ms()]), number
        )
        (text,) = tweet.texts(self.world.seed)
        answer = await self._authors[author].post(text, f"post-{number}")
        tweet_id = int(answer["tweet_id"])
        self.tweets.add(np.array([tweet_id]), tweet)
        self.ledger.posted(author, tweet_id)
        return tweet_id

    async def time_to_feed_ms(self, probe: int) -> float:
        """From a 201 to the first feed of a follower that shows the tweet, asked every 10 ms."""
        followers = [viewer for viewer, theirs in self.ledger.followees.items() if theirs]
        follower = followers[probe % len(followers)]
        tweet_id = await self.post_as(min(self.ledger.followees[follower]))
        client, began_s = self.viewers[follower].client, time.monotonic()
        while time.monotonic() - began_s < _PATIENCE_S:
            feed = await client.feed(algorithm="chronological", limit=_PROBED)
            if any(int(one["tweet_id"]) == tweet_id for one in feed["tweets"]):
                break
            await asyncio.sleep(_POLL_S)
        return 1000.0 * (time.monotonic() - began_s)

    async def delete(self, authors: int) -> int:
        """So many authors delete what they wrote last; how many had something to delete."""
        newest = [(one, self.ledger.newest_of(one)) for one in range(min(authors, len(self._authors)))]
        gone = [(one, tweet_id) for one, tweet_id in newest if tweet_id is not None]
        await together(self._delete(author, tweet_id) for author, tweet_id in gone)
        return len(gone)

    async def _delete(self, author: int, tweet_id: int) -> None:
        await self._authors[author].delete(tweet_id)
        self.ledger.delete(tweet_id)
