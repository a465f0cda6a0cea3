"""People react by their taste, and what they did is compared with what the product says of it."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Awaitable, Iterable
from typing import Any

import httpx

from simulation.client import FeedClient
from simulation.reactions import Reactions
from simulation.world import Draft, World, WorldOptions

TWEETS = range(1, 21)


class Product:
    """Takes everything and counts it."""

    def __init__(self) -> None:
        self.counted: dict[str, Counter[int]] = {kind: Counter() for kind in ("likes", "retweets", "replies")}
        self.deleted: list[int] = []
        self._ids = itertools.count(1_000)

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.split("/")[2:]
        if path == ["feed"]:
            return httpx.Response(200, json={"tweets": [{"tweet_id": str(one)} for one in TWEETS]})
        if request.method == "POST" and path == ["tweets"]:
            body = json.loads(request.content)
            kind = "retweets" if "retweet_of" in body else "replies"
            self.counted[kind][int(body.get("retweet_of") or body["reply_to_tweet_id"])] += 1
            return httpx.Response(201, json={"tweet_id": str(next(self._ids))})
        tweet_id = int(path[1])
        if path[-1] == "like":
            self.counted["likes"][tweet_id] += 1 if request.method == "POST" else -1
        elif request.method == "DELETE":
            self.deleted.append(tweet_id)
            return httpx.Response(204)
        return httpx.Response(
            200, json={"engagement": {kind: counts[tweet_id] for kind, counts in self.counted.items()}}
        )


async def together(calls: Iterable[Awaitable[Any]]) -> list[Any]:
    return list(await asyncio.gather(*calls))


async def reacting(product: Product) -> tuple[Reactions, FeedClient]:
    world = World(WorldOptions(viewers=30, authors=4, follows=4, seed=1))
    drafts = {tweet_id: world.draft(tweet_id % 4) for tweet_id in TWEETS}
    http = httpx.AsyncClient(transport=httpx.MockTransport(product.answer), base_url="http://feed")
    client = FeedClient(http, "t")
    reactions = Reactions(world, together)
    await reactions.delete(client, 20)
    left: dict[int, Draft] = {tweet_id: draft for tweet_id, draft in drafts.items() if tweet_id != 20}
    reacted = await reactions.react(dict.fromkeys(range(30), client), left)
    assert (reacted.likes, reacted.deleted) == (product.counted["likes"].total() + reacted.taken_back, 1)
    assert reacted.replies == product.counted["replies"].total() > 0
    assert reacted.retweets == product.counted["retweets"].total() > 0
    return reactions, client


async def test_what_was_done_is_what_is_counted() -> None:
    product = Product()
    reactions, client = await reacting(product)
    assert await reactions.counts_agree(client, 1.0) is not None
    assert reactions.touched == len(set().union(*map(set, product.counted.values())))
    assert (reactions.deleted, product.deleted) == ({20}, [20])
    # A retweet stands for its original, a reply for itself.
    assert any(of != own for mine in reactions.own.values() for of, own in mine.items())
    assert any(of == own for mine in reactions.own.values() for of, own in mine.items())


async def test_a_count_that_stays_wrong_is_told() -> None:
    product = Product()
    reactions, client = await reacting(product)
    product.counted["likes"][next(iter(product.counted["likes"]))] += 1
    assert await reactions.counts_agree(client, 0.3) is None
