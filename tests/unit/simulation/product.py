"""A product in memory for viewers to use: one feed for everybody, and all that they said about it."""

from __future__ import annotations

import itertools
import json
from typing import Any

import httpx
import numpy as np

from core.clock import SystemClock
from simulation.client import FeedClient
from simulation.crowd import Crowd, Settled
from simulation.known_tweets import KnownTweets
from simulation.ledger import Ledger
from simulation.tweets import live_tweets
from simulation.world import World

FIRST_TWEET = 10_000


class Product:
    """Serves its tweets newest first, or ranked: oldest first; `calls` are (method, path, body)."""

    def __init__(self, tweets: list[int]) -> None:
        self.tweets = sorted(tweets, reverse=True)
        self.calls: list[tuple[str, str, Any]] = []
        self._ids = itertools.count(900_000)

    def answer(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else None
        self.calls.append((request.method, request.url.path, body))
        if request.url.path == "/v1/feed":
            return self._feed(request.url.params)
        if request.url.path == "/v1/tweets":
            return httpx.Response(201, json={"tweet_id": str(next(self._ids))})
        if request.method == "GET":
            return httpx.Response(200, json={"engagement": self.counted(int(request.url.path.split("/")[3]))})
        return httpx.Response(200, json={})

    def counted(self, tweet_id: int) -> dict[str, int]:
        path = f"/v1/tweets/{tweet_id}/like"
        said = [body for _, where, body in self.calls if where == "/v1/tweets"]
        return {
            "likes": sum((method, where) == ("POST", path) for method, where, _ in self.calls),
            "retweets": sum(body.get("retweet_of") == str(tweet_id) for body in said),
            "replies": sum(body.get("reply_to_tweet_id") == str(tweet_id) for body in said),
        }

    def events(self, kind: str) -> list[dict[str, Any]]:
        sent = [one for _, path, body in self.calls if path == "/v1/events" for one in body["events"]]
        return [one for one in sent if one["type"] == kind]

    def _feed(self, asked: httpx.QueryParams) -> httpx.Response:
        ranked = asked["algorithm"] == "ranked"
        order = self.tweets[::-1] if ranked else self.tweets
        begin = int(asked.get("cursor", "0"))
        end = begin + int(asked["limit"])
        items = [
            {"tweet_id": str(one), "tracking": f"t{one}", "original": None, "engagement": {"likes": one % 7}}
            for one in order[begin:end]
        ]
        meta = {"rung": "full", "algorithm_served": asked["algorithm"]}
        cursor = str(end) if end < len(order) else None
        return httpx.Response(200, json={"tweets": items, "next_cursor": cursor, "meta": meta})


def crowd_of(world: World, tweets: int, *, considered: int = 200) -> tuple[Crowd, Product, httpx.AsyncClient]:
    """All viewers of a world, none of whom has looked at anything, before so many tweets of all authors."""
    ids = np.arange(FIRST_TWEET, FIRST_TWEET + tweets)
    now_ms = SystemClock().now_ms()
    authors = np.arange(tweets) % len(world.authors)
    known = live_tweets(world.seed, world.authors, authors, np.full(tweets, now_ms), 0)
    ledger = Ledger()
    for tweet_id, author in zip(ids.tolist(), authors.tolist(), strict=True):
        ledger.posted(author, tweet_id)
    viewers = 1 + np.arange(len(world.viewers))
    settled = Settled(
        viewers, 5_000 + np.arange(len(world.authors)), KnownTweets(world, ids, known), ledger, {}
    )
    product = Product(ids.tolist())
    http = httpx.AsyncClient(transport=httpx.MockTransport(product.answer), base_url="http://feed")
    crowd = Crowd(world, settled, lambda user_id: FeedClient(http, str(user_id)), SystemClock(), considered)
    return crowd, product, http
