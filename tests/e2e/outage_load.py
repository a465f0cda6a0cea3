"""Load on a running stack while something under it is away: who asked what, and what the answer was.

Authors post with idempotency keys, togglers follow and unfollow, readers read; each client has its next
request on its way as soon as one is answered. A client that is told to come again does, as long as the
header says; one whose connection broke asks again at once. So what was asked is acknowledged in the end.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import httpx

Kind = Literal["post", "follow", "feed", "toggler_feed"]

TIMEOUT_S = 60.0
"""Longer than the product's own deadlines: whoever hangs must be seen to hang."""
PAGE = 20
TRIES = 10
KEEP_IDLE_S = 2.0
"""Shorter than the API's own 5 s: a POST on a connection that is just being closed breaks, at no fault."""


@dataclass(frozen=True, slots=True)
class LoadSize:
    """How many users, and how many clients ask on their behalf at once."""

    authors: int = 6
    viewers: int = 6
    togglers: int = 4
    writers: int = 40
    readers: int = 16


@dataclass(frozen=True, slots=True)
class Answer:
    """Times are of the monotonic clock; status 0 stands for a connection that broke."""

    kind: Kind
    began_s: float
    ended_s: float
    status: int
    retry_after: str | None


def load_client(url: str) -> httpx.AsyncClient:
    """As many connections as there are requests under way, and none that is idle for long."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=KEEP_IDLE_S)
    return httpx.AsyncClient(base_url=url, timeout=TIMEOUT_S, limits=limits)


class OutageLoad:
    """`posts` are the acknowledged ones by key, `following` is how each toggled edge was left.

    `pace_s` is how long a client rests after an answer; 0 keeps as many requests under way as there
    are clients.
    """

    def __init__(
        self, http: httpx.AsyncClient, token_of: Callable[[int], str], size: LoadSize, first_id: int
    ) -> None:
        ids = itertools.count(first_id)
        self.size = size
        self.authors = list(itertools.islice(ids, size.authors))
        self.viewers = list(itertools.islice(ids, size.viewers))
        self.togglers = list(itertools.islice(ids, size.togglers))
        self.posts: dict[str, int] = {}
        self.author_of: dict[str, int] = {}
        self.following: dict[int, bool] = {}
        self.answers: list[Answer] = []
        self.odd: list[str] = []
        self.under_way = 0
        self.pace_s = 0.0
        self._http = http
        self._headers = {
            user: {"Authorization": f"Bearer {token_of(user)}"}
            for user in (*self.authors, *self.viewers, *self.togglers)
        }

    @property
    def idol(self) -> int:
        """Whom togglers follow and unfollow; everybody else they follow for good."""
        return self.authors[0]

    async def prepare(self) -> None:
        """Everybody has a profile, follows, and has read something: from here on there are caches."""
        for user in self._headers:
            body = {"handle": f"u{user}", "display_name": f"User {user}"}
            await self.must(201, "POST", "/v1/users", user, json=body)
        for author in self.authors:
            key = f"first-{author}"
            headers = {"Idempotency-Key": key}
            answer = await self.must(201, "POST", "/v1/tweets", author, json={"text": key}, headers=headers)
            self.author_of[key], self.posts[key] = author, int(answer.json()["tweet_id"])
        for viewer in (*self.viewers, *self.togglers):
            for author in self.authors:
                if viewer in self.viewers or author != self.idol:
                    await self.must(200, "POST", f"/v1/users/{author}/follow", viewer)
            await self.must(200, "GET", "/v1/feed", viewer)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Clients that ask until the block ends, and then see to it that what they began is acknowledged."""
        stop = asyncio.Event()
        size = self.size
        clients = [
            *(self._write(number, stop) for number in range(size.writers)),
            *(self._toggle(toggler, stop) for toggler in self.togglers),
            *(self._read(number, stop) for number in range(size.readers)),
        ]
        async with asyncio.TaskGroup() as tasks:
            for client in clients:
                tasks.create_task(client)
            try:
                yield
            finally:
                stop.set()

    async def call(self, method: str, path: str, user: int, **options: Any) -> httpx.Response:
        headers = self._headers[user] | options.pop("headers", {})
        return await self._http.request(method, path, headers=headers, timeout=TIMEOUT_S, **options)

    def of(self, kind: Kind, from_s: float = 0.0, to_s: float = float("inf")) -> list[Answer]:
        """Answers to requests that began in this time."""
        return [one for one in self.answers if one.kind == kind and from_s <= one.began_s < to_s]

    def statuses(self, kind: Kind, from_s: float = 0.0, to_s: float = float("inf")) -> Counter[int]:
        return Counter(one.status for one in self.of(kind, from_s, to_s))

    def longest_gap_s(self, kind: Kind, from_s: float, to_s: float) -> float:
        """The longest time in which no request of the kind was answered well."""
        good = sorted(
            one.ended_s
            for one in self.answers
            if one.kind == kind and one.status in (200, 201) and from_s <= one.ended_s < to_s
        )
        return max(b - a for a, b in itertools.pairwise([from_s, *good, to_s]))

    async def _write(self, number: int, stop: asyncio.Event) -> None:
        author = self.authors[number % len(self.authors)]
        for turn in itertools.count():
            if stop.is_set():
                return
            key = f"w-{number}-{turn}"
            self.author_of[key] = author
            answer = await self._insist(
                "post",
                lambda key=key: self.call(  # type: ignore[misc]  # bound per turn
                    "POST", "/v1/tweets", author, json={"text": key}, headers={"Idempotency-Key": key}
                ),
                201,
            )
            self.posts[key] = int(answer.json()["tweet_id"])
            await self._rest(stop)

    async def _toggle(self, toggler: int, stop: asyncio.Event) -> None:
        path = f"/v1/users/{self.idol}/follow"
        for turn in itertools.count():
            if stop.is_set():
                return
            on = turn % 2 == 0
            method = "POST" if on else "DELETE"
            await self._insist("follow", lambda method=method: self.call(method, path, toggler), 200)  # type: ignore[misc]  # bound per turn
            self.following[toggler] = on
            await self._rest(stop)

    async def _read(self, number: int, stop: asyncio.Event) -> None:
        users = [*self.viewers, *self.togglers]
        for turn in itertools.count(number):
            if stop.is_set():
                return
            user = users[turn % len(users)]
            kind: Kind = "feed" if user in self.viewers else "toggler_feed"
            answer = await self._ask(
                kind,
                lambda user=user: self.call("GET", "/v1/feed", user, params={"limit": PAGE}),  # type: ignore[misc]  # bound per turn
            )
            if answer is not None and answer.status_code == 503:
                await asyncio.sleep(float(answer.headers["Retry-After"]))
            await self._rest(stop)

    async def _insist(
        self, kind: Kind, call: Callable[[], Awaitable[httpx.Response]], wanted: int
    ) -> httpx.Response:
        while True:
            answer = await self._ask(kind, call)
            if answer is None:
                continue
            if answer.status_code == wanted:
                return answer
            await asyncio.sleep(float(answer.headers.get("Retry-After", "1")))

    async def _ask(self, kind: Kind, call: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response | None:
        began_s = time.monotonic()
        self.under_way += 1
        answer: httpx.Response | None = None
        try:
            answer = await call()
        except httpx.TransportError as exc:
            self.odd.append(f"{kind}: {exc!r}")
        finally:
            self.under_way -= 1
        status, retry_after = 0, None
        if answer is not None:
            status, retry_after = answer.status_code, answer.headers.get("Retry-After")
            if status >= 300 and (status != 503 or retry_after is None):
                self.odd.append(f"{kind}: {status} {answer.text[:200]}")
        self.answers.append(Answer(kind, began_s, time.monotonic(), status, retry_after))
        return answer

    async def must(self, wanted: int, method: str, path: str, user: int, **options: Any) -> httpx.Response:
        """The answer, as often as it takes to be given one: the machine may be busy with other things.

        The very first requests are slow ones: statements are prepared, and code is loaded.
        """
        answer = await self.call(method, path, user, **options)
        for _ in range(TRIES):
            if answer.status_code != 503:
                break
            await asyncio.sleep(float(answer.headers["Retry-After"]))
            answer = await self.call(method, path, user, **options)
        assert answer.status_code == wanted, answer.text
        return answer

    async def _rest(self, stop: asyncio.Event) -> None:
        if self.pace_s and not stop.is_set():
            await asyncio.sleep(self.pace_s)


def told(statuses: Counter[int]) -> str:
    """`1,203 of 200, 7 of 503`; nothing is said of what did not happen."""
    return ", ".join(f"{count:,} of {status}" for status, count in sorted(statuses.items())) or "none"


def span_s(answers: Sequence[Answer]) -> float:
    """The longest that one of them took."""
    return max((one.ended_s - one.began_s for one in answers), default=0.0)
