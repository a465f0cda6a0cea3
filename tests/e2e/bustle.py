"""Everything that people do at once: post and delete, join and follow, look and report, and what fans do.

Until the test has enough; each does its next thing as soon as the last is answered, and asks again
when it was not.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpx

from tests.e2e.crowd import Crowd
from tests.e2e.fans import Fans
from tests.e2e.live_stack import LiveStack
from tests.e2e.people import Person, event_of
from tests.e2e.stubborn import Stubborn

POSTING, JOINING, LOOKING = 40, 20, 6
DOOMED = 7
"""Of so many posts of a client, one is deleted right after it was acknowledged."""
CALM = 3
"""Clients of a kind that go on where no load is asked for any more, one thing every PACE_S."""
PACE_S = 0.3

_numbers = itertools.count(5_000_001)

Condition = Callable[[], bool]


class Bustle:
    """`joined` have profiles and follow all authors; `stable` are posts that nobody deletes. `seen` counts
    by (viewer, tweet) what was reported as seen, each serving of an item once, `told` the same with every
    repeat of a report."""

    def __init__(
        self,
        stack: LiveStack,
        http: httpx.AsyncClient,
        authors: Sequence[Person],
        viewers: Sequence[Person],
        fans: Sequence[Person],
        strangers: Sequence[Person],
        line: Stubborn,
    ) -> None:
        self._stack = stack
        self._http = http
        self._authors = authors
        self._viewers = viewers
        self._line = line
        self.crowd = Crowd(authors, self._line)
        self.stable: list[int] = []
        self.fans = Fans(fans, strangers, line, lambda: self.stable)
        self.joined: list[Person] = []
        self.seen: Counter[tuple[int, int]] = Counter()
        self.told: Counter[tuple[int, int]] = Counter()

    async def go_on(self, *, busy: Condition, until: Condition) -> None:
        """With all clients while `busy`, with a few then, and for as long as `until` is not yet true."""

        async def client(number: int, turn: Callable[[int, int], Awaitable[None]]) -> None:
            for count in itertools.count():
                if until() or not (busy() or number < CALM):
                    return
                await turn(number, count)
                if not busy():
                    await asyncio.sleep(PACE_S)

        kinds = (
            (POSTING, self._post),
            (JOINING, self._join),
            (LOOKING, self._look),
            (len(self.fans.fans), self.fans.turn),
        )
        await asyncio.gather(*(client(n, turn) for clients, turn in kinds for n in range(clients)))

    async def _post(self, number: int, turn: int) -> None:
        key = f"c-{number}-{turn}"
        await self.crowd.post_one(key)
        if turn % DOOMED == DOOMED - 1:
            await self.crowd.delete_one(key)
        else:
            self.stable.append(self.crowd.tweet_id_of(key))

    async def _join(self, number: int, turn: int) -> None:
        person = Person(self._stack, self._http, next(_numbers))
        body = {"handle": f"j{person.user_id}", "display_name": f"Joiner {person.user_id}"}
        answer, tries = await self._ask(person, "POST", "/v1/users", json=body)
        # Asked again, one meets one's own first try.
        assert answer.status_code == 201 or (tries > 1 and _is_taken(answer, "user_id")), answer.text
        for author in self._authors:
            answer, _ = await self._ask(person, "POST", f"/v1/users/{author.user_id}/follow")
            assert answer.status_code == 200, answer.text
        self.joined.append(person)
        await self._page(person)

    async def _look(self, number: int, turn: int) -> None:
        viewer = self._viewers[number % len(self._viewers)]
        page = await self._page(viewer)
        tweets = page["tweets"]
        events = [event_of(tweet, "seen") for tweet in tweets]
        # A page from memory is a serving of before, which counts once.
        if not events or page["meta"]["rung"] == "last_page":
            return
        answer, tries = await self._ask(viewer, "POST", "/v1/events", json={"events": events})
        assert (answer.status_code, answer.json()["accepted"]) == (202, len(events)), answer.text
        for tweet in tweets:
            item = viewer.user_id, int(tweet["tweet_id"])
            self.seen[item] += 1
            self.told[item] += tries

    async def _page(self, viewer: Person) -> dict[str, Any]:
        gone = frozenset(self.crowd.gone)
        answer, _ = await self._ask(viewer, "GET", "/v1/feed", params={"limit": 20})
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        # What was acknowledged to be deleted before we asked is not shown, whatever died meanwhile.
        shown = gone & {int(tweet["tweet_id"]) for tweet in page["tweets"]}
        assert not shown, (shown, page["meta"])
        return page

    async def _ask(self, *arguments: Any, **options: Any) -> tuple[httpx.Response, int]:
        return await self._line.ask(*arguments, **options)


def _is_taken(answer: httpx.Response, field: str) -> bool:
    return answer.status_code == 409 and answer.json().get("field") == field
