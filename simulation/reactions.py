"""What people do about what they read: like, take back, answer and repeat; and authors who delete.

Everything goes over HTTP. What was acknowledged is kept here, to be compared with what the product says.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from simulation.client import FeedClient
from simulation.world import Draft, World

READ = 20
LIKED = 6
"""Tweets that a viewer likes at most. One of them is answered, another repeated, a third one not liked any
more."""
POLL_S = 0.1

Together = Callable[[Iterable[Awaitable[Any]]], Awaitable[list[Any]]]
"""Runs calls side by side, not too many at once."""


class Counted(NamedTuple):
    """What is counted of one tweet."""

    likes: int
    retweets: int
    replies: int


@dataclass(frozen=True, slots=True)
class Reacted:
    """How many of each were acknowledged."""

    likes: int
    taken_back: int
    replies: int
    retweets: int
    deleted: int


class Reactions:
    """`own` holds what each viewer posted: the new id by the tweet that it stands for in a feed, which is
    the original of a retweet and the reply itself."""

    def __init__(self, world: World, together: Together) -> None:
        self.own: dict[int, dict[int, int]] = {}
        self.deleted: set[int] = set()
        self._world = world
        self._together = together
        self._likes = Counter[int]()
        self._replies = Counter[int]()
        self._retweets = Counter[int]()
        self._taken_back = 0

    async def react(self, clients: dict[int, FeedClient], drafts: dict[int, Draft]) -> Reacted:
        """Each of these viewers reads a page and reacts to tweets among `drafts`, by their own taste."""
        await self._together(self._react(viewer, client, drafts) for viewer, client in clients.items())
        return Reacted(
            self._likes.total() + self._taken_back,
            self._taken_back,
            self._replies.total(),
            self._retweets.total(),
            len(self.deleted),
        )

    async def delete(self, client: FeedClient, tweet_id: int) -> None:
        await client.delete(tweet_id)
        self.deleted.add(tweet_id)

    async def counts_agree(self, client: FeedClient, patience_s: float) -> float | None:
        """Seconds until the API says of each tweet what was acknowledged; None where it does not in time."""
        began_s = time.monotonic()
        wrong = set(self._likes) | set(self._replies) | set(self._retweets)
        while wrong and time.monotonic() - began_s < patience_s:
            said = await self._together(self._said(client, tweet_id) for tweet_id in sorted(wrong))
            wrong = {tweet_id for tweet_id, counted in said if counted != self._truth(tweet_id)}
            if wrong:
                await asyncio.sleep(POLL_S)
        return None if wrong else time.monotonic() - began_s

    @property
    def touched(self) -> int:
        """How many tweets something is counted of."""
        return len(set(self._likes) | set(self._replies) | set(self._retweets))

    async def _react(self, viewer: int, client: FeedClient, drafts: dict[int, Draft]) -> None:
        page = await client.feed(algorithm="chronological", limit=READ)
        known = [int(tweet["tweet_id"]) for tweet in page["tweets"] if int(tweet["tweet_id"]) in drafts]
        liked = [tweet_id for tweet_id in known if self._world.clicks(viewer, drafts[tweet_id])][:LIKED]
        for tweet_id in liked:
            await client.like(tweet_id)
            self._likes[tweet_id] += 1
        own = self.own.setdefault(viewer, {})
        for tweet_id in liked[:1]:
            reply = await client.reply(tweet_id, "So it is")
            own[reply] = reply
            self._replies[tweet_id] += 1
        for tweet_id in liked[1:2]:
            own[tweet_id] = await client.retweet(tweet_id)
            self._retweets[tweet_id] += 1
        for tweet_id in liked[2:3]:
            await client.unlike(tweet_id)
            self._likes[tweet_id] -= 1
            self._taken_back += 1

    async def _said(self, client: FeedClient, tweet_id: int) -> tuple[int, Counted]:
        said = (await client.tweet(tweet_id))["engagement"]
        return tweet_id, Counted(said["likes"], said["retweets"], said["replies"])

    def _truth(self, tweet_id: int) -> Counted:
        return Counted(self._likes[tweet_id], self._retweets[tweet_id], self._replies[tweet_id])
