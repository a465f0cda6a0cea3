"""Users of a live stack, who speak HTTP and nothing else."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx

from tests.e2e.live_stack import LiveStack

_numbers = itertools.count(1_000_001)

TIMEOUT_S = 30.0


@asynccontextmanager
async def http_client(stack: LiveStack) -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=stack.url, timeout=TIMEOUT_S, limits=limits) as client:
        yield client


class Person:
    """One user: the token, and what can be done with it. Answers come back as they are."""

    def __init__(self, stack: LiveStack, http: httpx.AsyncClient, user_id: int) -> None:
        self.user_id = user_id
        self._http = http
        self.headers = {"Authorization": f"Bearer {stack.token(user_id)}"}

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = self.headers | options.pop("headers", {})
        return await self._http.request(method, path, headers=headers, **options)

    async def sign_up(self) -> None:
        body = {"handle": f"p{self.user_id}", "display_name": f"Person {self.user_id}"}
        answer = await self.call("POST", "/v1/users", json=body)
        assert answer.status_code == 201, answer.text

    async def follow(self, other: Person) -> None:
        answer = await self.call("POST", f"/v1/users/{other.user_id}/follow")
        assert answer.status_code == 200, answer.text

    async def unfollow(self, other: Person) -> None:
        answer = await self.call("DELETE", f"/v1/users/{other.user_id}/follow")
        assert answer.status_code == 200, answer.text

    async def post(self, text: str, key: str | None = None) -> int:
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = await self.call("POST", "/v1/tweets", json={"text": text}, headers=headers)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["tweet_id"])

    async def reply(self, tweet_id: int, text: str = "so it is") -> int:
        return await self._posted({"text": text, "reply_to_tweet_id": str(tweet_id)})

    async def retweet(self, tweet_id: int) -> int:
        return await self._posted({"retweet_of": str(tweet_id)})

    async def delete(self, tweet_id: int) -> None:
        answer = await self.call("DELETE", f"/v1/tweets/{tweet_id}")
        assert answer.status_code == 204, answer.text

    async def like(self, tweet_id: int) -> int:
        """How many like it now."""
        return await self._set_like("POST", tweet_id)

    async def unlike(self, tweet_id: int) -> int:
        return await self._set_like("DELETE", tweet_id)

    async def _posted(self, body: dict[str, str]) -> int:
        answer = await self.call("POST", "/v1/tweets", json=body)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["tweet_id"])

    async def _set_like(self, method: str, tweet_id: int) -> int:
        answer = await self.call(method, f"/v1/tweets/{tweet_id}/like")
        assert answer.status_code == 200, answer.text
        likes: int = answer.json()["likes"]
        return likes

    async def page(self, **parameters: str | int) -> dict[str, Any]:
        answer = await self.call("GET", "/v1/feed", params=parameters)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def feed(self, *, limit: int = 100, **parameters: str) -> list[dict[str, Any]]:
        """All of the feed's tweets, page by page to its end."""
        tweets: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            following = {} if cursor is None else {"cursor": cursor}
            page = await self.page(limit=limit, **parameters, **following)
            tweets += page["tweets"]
            cursor = page["next_cursor"]
            assert page["has_more"] == (cursor is not None)
            # Only the end of the history may cut a page short.
            assert len(page["tweets"]) == limit or cursor is None
            if cursor is None:
                return tweets

    async def feed_ids(self, *, limit: int = 100) -> list[int]:
        return [int(tweet["tweet_id"]) for tweet in await self.feed(limit=limit)]


def event_of(tweet: dict[str, Any], kind: str) -> dict[str, Any]:
    """A client event about one served tweet."""
    return {
        "event_id": str(uuid.uuid4()),
        "type": kind,
        "tracking": tweet["tracking"],
        "client_ts": datetime.now(UTC).isoformat(),
        **({"value_ms": 2_500} if kind == "dwell" else {}),
    }


async def make_people(stack: LiveStack, http: httpx.AsyncClient, count: int) -> Sequence[Person]:
    """People with profiles, whose ids nobody else has."""
    people = [Person(stack, http, number) for number in itertools.islice(_numbers, count)]
    for person in people:
        await person.sign_up()
    return people
