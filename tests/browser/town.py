"""A small stack with its console, in which something is to be seen: people, tweets, and models that serve."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from features.schema import FEATURES
from ranking.bundle import CARD_FILE
from tests.bundles import bundle, stump
from tests.e2e.live_stack import ALL_RANKED, LiveStack, live_stack
from tests.e2e.people import Person, event_of, http_client, make_people
from tests.e2e.registries import registry_of
from tests.e2e.waiting import eventually

LENGTH = FEATURES.index("t.length")
SHORT, LONG = "short", "a tweet of more than thirty characters"
POSTS = 8
CHAMPION = "home@1"
CONSOLE = {
    "RANKFEED_CONSOLE_ENABLED": "true",
    "RANKFEED_CONSOLE_PORT": "0",
    "RANKFEED_POPULAR_EVERY_S": "0.5",
}


@dataclass(frozen=True, slots=True)
class Town:
    """`reader` follows `author`, who wrote short and long tweets; the champion prefers the long ones."""

    stack: LiveStack
    http: httpx.AsyncClient
    reader: Person
    author: Person

    def url(self, path: str) -> str:
        return f"{self.stack.state.console_url}{path}"


@asynccontextmanager
async def small_town(home: Path) -> AsyncIterator[Town]:
    models = home / "models"
    heads = ("click", "like")
    likes_long = stump(0.25, 0.75, feature=LENGTH, threshold=20.0, heads=heads)
    likes_short = stump(0.75, 0.25, feature=LENGTH, threshold=20.0, heads=heads)
    for version, graph in (("1", likes_long), ("2", likes_short)):
        written = bundle(models, version, graph, heads=heads)
        (written / CARD_FILE).write_text(
            f"<!doctype html><html lang=en><title>card</title><h1>home@{version}</h1>"
        )
    spoilt = bundle(models, "3", likes_long, heads=heads)
    (spoilt / "model.onnx").write_bytes(b"no graph")
    with live_stack(home, environment={**ALL_RANKED, **CONSOLE}) as stack:
        async with http_client(stack) as http, registry_of(stack) as registry:
            await registry.promote("home", "1", "the first one")
            reader, author = await make_people(stack, http, 2)
            await reader.follow(author)
            for number in range(POSTS):
                await author.post(f"{SHORT if number % 2 else LONG} {number}")

            async def arrived() -> bool:
                return len(await reader.feed()) == POSTS

            await eventually("the tweets are there", arrived)
            seen = event_of((await reader.feed())[0], "seen")
            told = await reader.call("POST", "/v1/events", json={"events": [seen]})
            assert told.status_code == 202, told.text

            async def ranked() -> bool:
                meta = (await reader.page(algorithm="ranked"))["meta"]
                return (meta["rung"], meta["algorithm_served"]) == ("full", "ranked")

            await eventually("its feed is ranked", ranked)
            await eventually("the console is there", lambda: _answers(stack.state.console_url))
            yield Town(stack, http, reader, author)


async def _answers(console_url: str) -> bool:
    try:
        async with httpx.AsyncClient() as http:
            return (await http.get(f"{console_url}/health/ready")).is_success
    except httpx.HTTPError:
        return False
