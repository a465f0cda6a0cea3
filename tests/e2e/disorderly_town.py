"""A town whose apps report late, twice and out of order, while its pipelines are killed."""

from __future__ import annotations

import itertools
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from core.clock import SystemClock
from simulation.client import FeedClient, event
from simulation.together import together
from simulation.town import PAGE, Town
from simulation.townsfolk import TownOptions, Townsfolk
from tests.e2e.command import rankfeed
from tests.e2e.live_stack import ALL_RANKED, LiveStack, live_stack
from tests.e2e.people import http_client
from training.skew import Skew

FIRST_USER = 5_000_001
TWICE, HELD_BACK = 0.15, 0.2
_DWELLS_MS = (300, 4_000, 45_000, 500_000)


class DisorderlyTown:
    """Every second viewer's app keeps some reports back, with the moments at which they happened."""

    def __init__(self, stack: LiveStack, town: Town, seed: int) -> None:
        self._stack = stack
        self._town = town
        self._random = random.Random(seed)
        self._clock = SystemClock()
        self._serial = itertools.count()
        self._held_back: list[tuple[FeedClient, list[dict[str, Any]]]] = []
        self.reported = self.again = self.late = self.kills = 0

    async def settle(self, posts: int, pages: int) -> None:
        """People, posts and reads in time order; then a model of it, promoted."""
        await self._town.sign_up()
        await self._town.post_round(posts)
        await self.read("chronological", pages)
        await self.read("chronological", pages)
        await self._stack.drained()
        # Clicks are of the moment of the look: a window of a millisecond is ripe at once.
        trained = rankfeed(
            *("train", "--lag", "0.5", "--window", "click=0.001", "--min-positives", "20", "--promote"),
            home=self._stack.home.root,
            environment=self._stack.variables,
        )
        assert trained.code == 0, trained.out + trained.err

    async def read(self, algorithm: str, pages: int) -> int:
        """Everybody reads some pages, looks, clicks and likes; how many items were served as asked."""
        viewers = range(self._town.world.options.viewers)
        return sum(await together(self._read(viewer, algorithm, pages) for viewer in viewers))

    async def tell_the_rest(self) -> None:
        """What was kept back is reported, the latest first."""
        held, self._held_back = self._held_back[::-1], []
        for client, events in held:
            self.late += len(events)
            await client.report(events)

    def change_objective(self) -> None:
        """Slates that were pinned before it keep their order."""
        changed = rankfeed(
            *("objective", "set", "--preset", "freshness", "--reason", "a test"),
            home=self._stack.home.root,
            environment=self._stack.variables,
        )
        assert changed.code == 0, changed.err
        assert "freshness@2 applies: 1 of 1 in" in changed.out

    def lose_pipelines(self) -> None:
        """SIGKILL; they are started again."""
        self.kills += 1
        self._stack.await_restart("pipelines", self._stack.kill("pipelines"))

    async def _read(self, viewer: int, algorithm: str, pages: int) -> int:
        client, cursor, served = self._town.client_of(viewer), None, 0
        for _ in range(pages):
            page = await client.feed(algorithm=algorithm, limit=PAGE, cursor=cursor)
            if page["meta"]["algorithm_served"] == algorithm:
                served += len(page["tweets"])
            events = [one for tweet in page["tweets"] for one in self._acts(viewer, tweet)]
            await self._report(viewer, client, events)
            if page["tweets"] and self._random.random() < 0.3:
                await client.like(int(self._random.choice(page["tweets"])["tweet_id"]))
            cursor = page["next_cursor"]
            if cursor is None:
                break
        return served

    def _acts(self, viewer: int, tweet: dict[str, Any]) -> list[dict[str, Any]]:
        at_ms = self._clock.now_ms()
        acts = [self._event("seen", tweet, at_ms)]
        posted = self._town.posted.get(int(tweet["tweet_id"]))
        if posted is not None and self._town.world.clicks(viewer, posted.draft):
            acts.append(self._event("click", tweet, at_ms))
            acts.append(self._event("dwell", tweet, at_ms, value_ms=self._random.choice(_DWELLS_MS)))
        elif self._random.random() < 0.05:
            acts.append(self._event("hide", tweet, at_ms))
        return acts

    async def _report(self, viewer: int, client: FeedClient, events: list[dict[str, Any]]) -> None:
        self._random.shuffle(events)
        kept = [one for one in events if viewer % 2 and self._random.random() < HELD_BACK]
        told = [one for one in events if one not in kept]
        twice = [one for one in told if self._random.random() < TWICE]
        if kept:
            self._held_back.append((client, kept))
        for part in (told, twice):
            if part:
                await client.report(part)
        self.reported += len(events)
        self.again += len(twice)

    def _event(
        self, kind: str, tweet: dict[str, Any], at_ms: int, value_ms: int | None = None
    ) -> dict[str, Any]:
        number = next(self._serial)
        return event(kind, tweet["tracking"], f"d{number}", at_ms=at_ms, value_ms=value_ms)


@asynccontextmanager
async def disorderly_town(stack: LiveStack, options: TownOptions) -> AsyncIterator[DisorderlyTown]:
    async with http_client(stack) as http:
        town = Town(Townsfolk(options), http, stack.token, SystemClock(), FIRST_USER)
        yield DisorderlyTown(stack, town, options.seed)


async def served_in_disorder(
    home: Path, options: TownOptions, *, posts: int, pages: int, rounds: int
) -> tuple[Skew, DisorderlyTown]:
    """A stack from its first user to its end; then, without it and its Redis, what it served on trial.

    Between rounds of ranked reading the pipelines are killed, and what was kept back is told.
    """
    with live_stack(home, environment={"RANKFEED_RANKING_SCORED_SHARE": "0.5", **ALL_RANKED}) as stack:
        async with disorderly_town(stack, options) as town:
            await town.settle(posts, pages)
            served = 0
            for number in range(rounds):
                served += await town.read("ranked", pages)
                if not number:
                    town.change_objective()
                if number % 2:
                    await town.tell_the_rest()
                else:
                    town.lose_pipelines()
            assert served, "nothing was served ranked"
            await stack.drained()
    # The stack and its Redis are gone, and the address of another one would lead nowhere.
    measured = rankfeed(
        *("features", "skew", "--sample", "1000000", "--json"),
        home=home,
        environment={"RANKFEED_REDIS_URL": "redis://127.0.0.1:1/0"},
    )
    assert measured.code in (0, 1), measured.err
    return msgspec.json.Decoder(Skew).decode(measured.out), town
