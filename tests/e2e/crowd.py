"""Load with retries: many clients who post, and who ask again with the same key when nobody answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx

from tests.e2e.people import Person
from tests.e2e.stubborn import Stubborn
from tests.e2e.waiting import eventually

CLIENTS = 100


class Crowd:
    """`CLIENTS` clients at once, each with the next request on its way as soon as one is answered.

    `answers` holds per key the bytes of its 201, `asked` how often each was asked; `gone` are the tweets
    whose deletion was acknowledged.
    """

    def __init__(self, authors: Sequence[Person], line: Stubborn | None = None) -> None:
        self._authors = authors
        self._turns = 0
        self._line = line or Stubborn()
        self.answers: dict[str, bytes] = {}
        self.asked: dict[str, int] = {}
        self.gone: set[int] = set()

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

    def tweet_id_of(self, key: str) -> int:
        return _tweet_id(self.answers[key])

    @property
    def tweet_ids(self) -> dict[str, int]:
        """By key, what was acknowledged."""
        return {key: self.tweet_id_of(key) for key in self.answers}

    @property
    def left(self) -> dict[str, int]:
        """By key, what was acknowledged and not deleted."""
        return {key: tweet_id for key, tweet_id in self.tweet_ids.items() if tweet_id not in self.gone}

    async def post_one(self, key: str) -> None:
        """Returns once the post has been acknowledged, however often it has to be asked for."""
        author, headers = self.author_of(key), {"Idempotency-Key": key}
        answer, self.asked[key] = await self._line.ask(
            author, "POST", "/v1/tweets", json={"text": key}, headers=headers
        )
        assert answer.status_code == 201, answer.text
        self.answers[key] = answer.content

    async def delete_one(self, key: str) -> None:
        """Returns once the deletion of that post has been acknowledged."""
        tweet_id = self.tweet_id_of(key)
        headers = {"Idempotency-Key": f"{key}-delete"}
        answer, _ = await self._line.ask(
            self.author_of(key), "DELETE", f"/v1/tweets/{tweet_id}", headers=headers
        )
        assert answer.status_code == 204, answer.text
        self.gone.add(tweet_id)

    async def _client(self, number: int, turns: Sequence[int]) -> None:
        for turn in turns:
            await self.post_one(f"c-{number}-{turn}")


async def check_feeds(crowd: Crowd, viewers: Sequence[Person]) -> None:
    """Every viewer's whole feed holds every acknowledged tweet once, and nothing else, in order."""
    posted = crowd.left
    assert set(crowd.tweet_ids) == set(crowd.asked)
    for viewer in viewers:
        tweets = await viewer.feed(limit=50)
        ids = [int(tweet["tweet_id"]) for tweet in tweets]
        # Said apart: which are lost, and which are there that should not be.
        assert (set(posted.values()) - set(ids), set(ids) - set(posted.values())) == (set(), set())
        assert ids == sorted(posted.values(), reverse=True)
        # A key that was posted twice would show its text twice.
        assert {tweet["text"]: int(tweet["tweet_id"]) for tweet in tweets} == posted


def _tweet_id(answer: bytes) -> int:
    return int(httpx.Response(201, content=answer).json()["tweet_id"])
