"""The world's people as users of a running stack: they sign up, follow, post, read, look and click."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from core.clock import Clock
from simulation.client import FeedClient, event
from simulation.together import together
from simulation.townsfolk import Draft, Townsfolk

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


class Town:
    """Viewers have the ids `first_id`, `first_id + 1`, …; authors follow them."""

    def __init__(
        self, world: Townsfolk, http: httpx.AsyncClient, token_of: TokenOf, clock: Clock, first_id: int
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
        await together(
            client.create_user(
                f"viewer_{number}" if number < viewers else f"author_{number - viewers}",
                f"Viewer {number}" if number < viewers else f"Author {number - viewers}",
            )
            for number, client in enumerate(self._clients)
        )
        await together(
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
        return await together(self._post(draft) for draft in drafts)

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
        readings = await together(
            self._read(viewer, algorithm, pages) for viewer in range(self.world.options.viewers)
        )
        return Reading(*(sum(column) for column in zip(*readings, strict=True)))

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
