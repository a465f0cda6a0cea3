"""The world's people as users of a running stack: they sign up, follow, post, read, look and click."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np

from core.clock import Clock
from simulation.client import FeedClient, event
from simulation.reactions import Reacted, Reactions
from simulation.world import Draft, World

CONCURRENT_CALLS = 12
PAGE = 20
POLL_S = 0.01
PATIENCE_S = 30.0
PROBED = 50
MAX_DWELL_MS = 20_000

TokenOf = Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Posted:
    tweet_id: int
    draft: Draft


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading came to: impressions, clicks, and requests made."""

    seen: int
    clicks: int
    requests: int


@dataclass(frozen=True, slots=True)
class Audit:
    """Every viewer's feed, page by page to its end, against what was posted."""

    feeds: int
    items: int
    lost: int
    doubled: int
    foreign: int


class Town:
    """Viewers have the ids `first_id`, `first_id + 1`, …; authors follow them."""

    def __init__(
        self, world: World, http: httpx.AsyncClient, token_of: TokenOf, clock: Clock, first_id: int
    ) -> None:
        self.world = world
        self.posted: dict[int, Posted] = {}
        self._clock = clock
        self._first_id = first_id
        options = world.options
        self._clients = [
            FeedClient(http, token_of(first_id + number))
            for number in range(options.viewers + options.authors)
        ]
        self._serial = itertools.count()
        self._gate = asyncio.Semaphore(CONCURRENT_CALLS)
        self.reactions = Reactions(world, self.together)

    def viewer_id(self, viewer: int) -> int:
        return self._first_id + viewer

    def author_id(self, author: int) -> int:
        return self._first_id + self.world.options.viewers + author

    def client_of(self, viewer: int) -> FeedClient:
        return self._clients[viewer]

    def _client_of_author(self, author: int) -> FeedClient:
        return self._clients[self.world.options.viewers + author]

    async def sign_up(self) -> None:
        viewers = self.world.options.viewers
        await self.together(
            client.create_user(
                f"viewer_{number}" if number < viewers else f"author_{number - viewers}",
                f"Viewer {number}" if number < viewers else f"Author {number - viewers}",
            )
            for number, client in enumerate(self._clients)
        )
        await self.together(
            self._clients[viewer].follow(self.author_id(int(author)))
            for viewer, authors in enumerate(self.world.follows)
            for author in authors
        )

    async def post_round(self, per_author: int) -> list[Posted]:
        """Every author posts so often, taking turns."""
        drafts = [
            self.world.draft(author)
            for _ in range(per_author)
            for author in range(self.world.options.authors)
        ]
        return list(await self.together(self._post(draft) for draft in drafts))

    async def time_to_feed(self, viewer: int) -> float:
        """Seconds from a 201 to the first feed of a follower that shows the tweet, asked every 10 ms."""
        draft = self.world.draft(int(self.world.follows[viewer][0]))
        posted = await self._post(draft)
        began_s = time.monotonic()
        while time.monotonic() - began_s < PATIENCE_S:
            # Others post meanwhile: deep enough that they cannot have pushed it off the page.
            feed = await self._clients[viewer].feed(algorithm="chronological", limit=PROBED)
            if any(int(tweet["tweet_id"]) == posted.tweet_id for tweet in feed["tweets"]):
                return time.monotonic() - began_s
            await asyncio.sleep(POLL_S)
        return PATIENCE_S

    async def read_round(self, *, algorithm: str, pages: int) -> Reading:
        """Every viewer reads some pages, looks from the top, and clicks what they like."""
        readings = await self.together(
            self._read(viewer, algorithm, pages) for viewer in range(self.world.options.viewers)
        )
        return Reading(*(sum(column) for column in zip(*readings, strict=True)))

    async def react(self) -> Reacted:
        """Every author deletes what they posted last, and every viewer reacts to what is left."""
        newest = {posted.draft.author: posted.tweet_id for posted in self.posted.values()}
        await self.together(
            self.reactions.delete(self._client_of_author(author), tweet_id)
            for author, tweet_id in newest.items()
        )
        drafts = {one.tweet_id: one.draft for one in self.posted.values()}
        viewers = range(self.world.options.viewers)
        return await self.reactions.react({viewer: self._clients[viewer] for viewer in viewers}, drafts)

    async def audit(self) -> Audit:
        """Compares every viewer's whole chronological feed with what their followees posted, and they."""
        rows = await self.together(self._audit(viewer) for viewer in range(self.world.options.viewers))
        return Audit(len(rows), *(sum(column) for column in zip(*rows, strict=True)))

    async def utility(self, algorithm: str, top: int) -> tuple[list[float], int]:
        """Expected clicks on each viewer's first `top` items, and how many were served as asked."""
        # One after the other: of many at once an API process ranks a few in full, and others less well.
        pages = [
            await client.feed(algorithm=algorithm, limit=top)
            for client in self._clients[: self.world.options.viewers]
        ]
        served = sum(page["meta"]["algorithm_served"] == algorithm for page in pages)
        return [
            sum(self._truth(viewer, int(tweet["tweet_id"])) for tweet in page["tweets"])
            for viewer, page in enumerate(pages)
        ], served

    def best_utility(self, candidates: int, top: int) -> list[float]:
        """The most that any order of the newest of whom they follow could have brought.

        What is popular with everybody is ranked as well, and could bring more.
        """
        best = []
        for viewer, authors in enumerate(self.world.follows):
            followed = {int(author) for author in authors}
            ids = sorted(
                (one.tweet_id for one in self.posted.values() if one.draft.author in followed), reverse=True
            )
            truths = np.array([self._truth(viewer, tweet_id) for tweet_id in ids[:candidates]])
            best.append(float(np.sort(truths)[::-1][:top].sum()))
        return best

    def _truth(self, viewer: int, tweet_id: int) -> float:
        return self.world.click_probability(viewer, self.posted[tweet_id].draft)

    async def _post(self, draft: Draft) -> Posted:
        client = self._client_of_author(draft.author)
        answer = await client.post(draft.text, f"post-{next(self._serial)}")
        posted = Posted(int(answer["tweet_id"]), draft)
        self.posted[posted.tweet_id] = posted
        return posted

    async def _read(self, viewer: int, algorithm: str, pages: int) -> tuple[int, int, int]:
        client, cursor = self._clients[viewer], None
        seen = clicks = requests = place = 0
        for _ in range(pages):
            page = await client.feed(algorithm=algorithm, limit=PAGE, cursor=cursor)
            events: list[dict[str, Any]] = []
            for tweet in page["tweets"]:
                place += 1
                if not self.world.examined(place - 1):
                    continue
                seen += 1
                events.append(self._event("seen", tweet))
                if self.world.clicks(viewer, self.posted[int(tweet["tweet_id"])].draft):
                    clicks += 1
                    events.append(self._event("click", tweet))
                    events.append(self._event("dwell", tweet, value_ms=MAX_DWELL_MS // 2))
            if events:
                await client.report(events)
            requests += 2
            cursor = page["next_cursor"]
            if cursor is None:
                break
        return seen, clicks, requests

    def _event(self, kind: str, tweet: dict[str, Any], value_ms: int | None = None) -> dict[str, Any]:
        number = next(self._serial)
        return event(kind, tweet["tracking"], f"e{number}", at_ms=self._clock.now_ms(), value_ms=value_ms)

    async def _audit(self, viewer: int) -> tuple[int, int, int, int]:
        followed = {int(author) for author in self.world.follows[viewer]}
        posted = {one.tweet_id: one.tweet_id for one in self.posted.values() if one.draft.author in followed}
        # One's own retweet stands for its original; what was deleted is nowhere.
        stands = posted | self.reactions.own.get(viewer, {})
        truth = {tweet_id for of, tweet_id in stands.items() if of not in self.reactions.deleted}
        shown: list[int] = []
        cursor = None
        while True:
            page = await self._clients[viewer].feed(algorithm="chronological", limit=100, cursor=cursor)
            shown += [int(tweet["tweet_id"]) for tweet in page["tweets"]]
            cursor = page["next_cursor"]
            if cursor is None:
                distinct = set(shown)
                return len(shown), len(truth - distinct), len(shown) - len(distinct), len(distinct - truth)

    async def together(self, calls: Iterable[Awaitable[Any]]) -> list[Any]:
        async def gated(call: Awaitable[Any]) -> Any:
            async with self._gate:
                return await call

        return list(await asyncio.gather(*(gated(call) for call in calls)))
