"""One session of one viewer over HTTP: fetch, look from the top, react, report."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.clock import Clock
from simulation.arms import Arm, best_order, random_order
from simulation.client import FeedClient, event
from simulation.draws import Floats, uniform
from simulation.habits import looks, noticed
from simulation.known_tweets import KnownTweets
from simulation.ledger import Ledger
from simulation.world import World

PAGE, DEEP_PAGE = 20, 100
FOLLOWS_WHOM_THEY_LIKE = 0.25
"""The chance that a like of somebody whom one does not follow ends in a follow."""


@dataclass(slots=True)
class Pages:
    """What was fetched: milliseconds by the algorithm that was asked for, and the rungs of ranked ones."""

    latency_ms: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    rungs: list[str] = field(default_factory=list)
    served_ranked: int = 0


@dataclass(frozen=True, slots=True)
class Visit:
    """What one session came to; `utility` is expected, of what the viewer had not looked at before."""

    viewer: int
    arm: Arm
    looks: int
    clicks: int
    utility: float


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all viewers share. `author_id` gives the product's id of an author's index."""

    world: World
    tweets: KnownTweets
    ledger: Ledger
    pages: Pages
    clock: Clock
    considered: int
    author_id: Callable[[int], int]


class LiveViewer:
    """`looked` are tweets that the viewer has looked at: they are scrolled past, and worth nothing more."""

    def __init__(self, number: int, client: FeedClient, around: Surroundings, looked: set[int]) -> None:
        self.number = number
        self.client = client
        self._around = around
        self._looked = looked

    async def visit(self, arm: Arm, session: int) -> Visit:
        """Looks through a feed in the arm's order, and does what comes of it."""
        around, world = self._around, self._around.world
        depth = int(looks(world.seed, world.viewers, np.array([self.number]), session)[0])
        shown = await self._shown(arm, session, depth)
        now_ms = around.clock.now_ms()
        fresh = {root_of(one): one for one in shown if root_of(one) in around.tweets}
        ids = [one for one in fresh if one not in self._looked]
        keys = around.tweets.of(ids).keys
        stands_still = noticed(world.seed, np.full(len(ids), self.number), keys, session)
        ids = [one for one, looked in zip(ids, stands_still.tolist(), strict=True) if looked]
        self._looked |= set(ids)
        utility = float(around.tweets.chances(self.number, ids, now_ms).utility.sum())
        clicks = await self._react({one: fresh[one] for one in ids}, now_ms, session)
        return Visit(self.number, arm, len(ids), clicks, utility)

    async def fetch(self, algorithm: str, most: int, page: int = PAGE) -> list[dict[str, Any]]:
        """The first `most` items of a feed, page by page."""
        items: list[dict[str, Any]] = []
        cursor, pages = None, self._around.pages
        while len(items) < most:
            began_s = time.perf_counter()
            answer = await self.client.feed(algorithm=algorithm, limit=page, cursor=cursor)
            if page == PAGE:
                pages.latency_ms[algorithm].append(1000.0 * (time.perf_counter() - began_s))
            if algorithm == "ranked":
                pages.rungs.append(answer["meta"]["rung"])
                pages.served_ranked += answer["meta"]["algorithm_served"] == "ranked"
            items += answer["tweets"]
            cursor = answer["next_cursor"]
            if cursor is None:
                break
        return items[:most]

    async def candidates(self) -> list[dict[str, Any]]:
        """What ranking considers of the viewer's own feed, newest first, without what has no truth."""
        items = await self.fetch("chronological", self._around.considered, DEEP_PAGE)
        return [one for one in items if root_of(one) in self._around.tweets]

    def worth(self, ids: Sequence[int]) -> Floats:
        """What a look at each of these known ids would truly be worth now, float64 [n].

        Nothing where there was one before.
        """
        worth = self._around.tweets.chances(self.number, ids, self._around.clock.now_ms()).utility
        worth[[one in self._looked for one in ids]] = 0.0
        return worth

    async def _shown(self, arm: Arm, session: int, depth: int) -> list[dict[str, Any]]:
        if arm in ("chronological", "ranked"):
            return await self.fetch(arm, depth)
        items = await self.candidates()
        ids, around = [root_of(one) for one in items], self._around
        if arm == "oracle":
            order = best_order(self.worth(ids))
        else:
            order = random_order(around.world.seed, self.number, around.tweets.of(ids).keys, session)
        return [items[place] for place in order[:depth].tolist()]

    async def _react(self, items: dict[int, dict[str, Any]], now_ms: int, session: int) -> int:
        deeds = self._around.tweets.deeds(self.number, list(items), now_ms, session)
        events: list[dict[str, Any]] = []
        for row, (tweet_id, item) in enumerate(items.items()):
            tracking, name = item["tracking"], f"{self.number}-{session}-{tweet_id}"
            events.append(event("seen", tracking, f"s{name}", at_ms=now_ms))
            if deeds.click[row]:
                dwell_ms = int(deeds.dwell_ms[row])
                events.append(event("click", tracking, f"c{name}", at_ms=now_ms))
                events.append(event("dwell", tracking, f"d{name}", at_ms=now_ms, value_ms=dwell_ms))
            if deeds.hide[row]:
                events.append(event("hide", tracking, f"h{name}", at_ms=now_ms))
        if events:
            await self.client.report(events)
        for row, tweet_id in enumerate(items):
            if deeds.like[row]:
                await self._like(tweet_id, session)
            if deeds.reply[row]:
                reply = await self.client.reply(tweet_id, "So it is")
                self._around.ledger.replied(self.number, tweet_id, reply)
            if deeds.retweet[row] and not self._around.ledger.has_retweeted(self.number, tweet_id):
                retweet = await self.client.retweet(tweet_id)
                self._around.ledger.retweeted(self.number, tweet_id, retweet)
        return int(deeds.click.sum())

    async def _like(self, tweet_id: int, session: int) -> None:
        around = self._around
        await self.client.like(tweet_id)
        around.ledger.liked(self.number, tweet_id)
        author = around.tweets.author_of(tweet_id)
        drawn = uniform(around.world.seed, "follows live", self.number, author, session)[0]
        if author not in around.ledger.followees[self.number] and drawn < FOLLOWS_WHOM_THEY_LIKE:
            await self.client.follow(around.author_id(author))
            around.ledger.followed(self.number, author)


def root_of(item: dict[str, Any]) -> int:
    """The tweet that an item of a feed is about: of a retweet its original."""
    return int((item.get("original") or item)["tweet_id"])
