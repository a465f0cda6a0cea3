"""Load with retries: many clients who post, and who ask again with the same key when nobody answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx

from tests.e2e.people import Person
from tests.e2e.waiting import eventually

CLIENTS = 100


class Crowd:
    """`CLIENTS` clients at once, each with the next request on its way as soon as one is answered.

    `answers` holds per key the bytes of its 201, `asked` how often each was asked, `broken_off` how
    many requests were under way each time that connections broke.
    """

    def __init__(self, authors: Sequence[Person]) -> None:
        self._authors = authors
        self._turns = 0
        self._under_way = 0
        self.answers: dict[str, bytes] = {}
        self.asked: dict[str, int] = {}
        self.broken_off: list[int] = []
        self._broken = 0

    async def post(self, rounds: int) -> None:
        """Every client posts so often; returns once each post has been acknowledged."""
        turns = range(self._turns, self._turns + rounds)
        self._turns += rounds
        await asyncio.gather(*(self._client(number, turns) for number in range(CLIENTS)))

    async def acknowledged(self, count: int) -> None:
        """Returns once so many posts have been answered."""

        async def enough() -> bool:
            return len(self.answers) >= count

        await eventually(f"{count} posts are acknowledged", enough)

    async def events(self, batches: Sequence[tuple[Person, list[dict[str, Any]]]]) -> None:
        """Sends batches of client events, all of them at once; each must be accepted whole."""

        async def send(person: Person, batch: list[dict[str, Any]]) -> None:
            answer = await person.call("POST", "/v1/events", json={"events": batch})
            assert (answer.status_code, answer.json()["accepted"]) == (202, len(batch)), answer.text

        await asyncio.gather(*(send(person, batch) for person, batch in batches))

    def author_of(self, key: str) -> Person:
        return self._authors[int(key.split("-")[1]) % len(self._authors)]

    @property
    def tweet_ids(self) -> dict[str, int]:
        """By key, what was acknowledged."""
        return {
            key: int(httpx.Response(201, content=raw).json()["tweet_id"]) for key, raw in self.answers.items()
        }

    async def _client(self, number: int, turns: Sequence[int]) -> None:
        for turn in turns:
            key = f"c-{number}-{turn}"
            while not await self._attempt(key):
                pass

    async def _attempt(self, key: str) -> bool:
        self.asked[key] = self.asked.get(key, 0) + 1
        self._under_way += 1
        broken = self._broken
        try:
            answer = await self.author_of(key).call(
                "POST", "/v1/tweets", json={"text": key}, headers={"Idempotency-Key": key}
            )
        except httpx.TransportError:
            # The first one to notice speaks for all who had asked before: the same death broke them off.
            if broken == self._broken:
                self._broken += 1
                self.broken_off.append(self._under_way)
            return False
        finally:
            self._under_way -= 1
        assert answer.status_code == 201, answer.text
        self.answers[key] = answer.content
        return True


async def check_feeds(crowd: Crowd, viewers: Sequence[Person]) -> None:
    """Every viewer's whole feed holds every acknowledged tweet once, and nothing else, in order."""
    posted = crowd.tweet_ids
    assert set(posted) == set(crowd.asked)
    for viewer in viewers:
        tweets = await viewer.feed(limit=50)
        ids = [int(tweet["tweet_id"]) for tweet in tweets]
        assert ids == sorted(posted.values(), reverse=True)
        # A key that was posted twice would show its text twice.
        assert {tweet["text"]: int(tweet["tweet_id"]) for tweet in tweets} == posted
