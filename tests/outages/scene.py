"""People before an outage, and what each route of the table is asked while it lasts."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from tests.e2e.live_stack import LiveStack
from tests.e2e.waiting import wait_until
from tests.outages.table import AS_EVER, FOLLOWED_BEFORE, FROM_STORE, LAST_PAGE, NOT_NOW, NOT_READY

POSTS = 7
LIMIT = 3
TIMEOUT_S = 60.0

_numbers = itertools.count(6_000_001)


class Caller:
    """One user, who asks one thing at a time."""

    def __init__(self, stack: LiveStack, http: httpx.Client) -> None:
        self.user_id = next(_numbers)
        self._http = http
        self._token = stack.token(self.user_id)

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token}", **options.pop("headers", {})}
        return self._http.request(method, path, headers=headers, **options)

    def done(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        answer = self.call(method, path, **options)
        assert answer.is_success, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def sign_up(self) -> Caller:
        body = {"handle": f"c{self.user_id}", "display_name": "Caller"}
        self.done("POST", "/v1/users", json=body)
        return self

    def feed(self, **parameters: str | int) -> httpx.Response:
        return self.call("GET", "/v1/feed", params={"limit": LIMIT, **parameters})


@dataclass(frozen=True, slots=True)
class Expected:
    """What an answer is when all is well: its status and, of a feed, the ids and the reason."""

    status: int
    ids: list[int] | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    ask: Callable[[], httpx.Response]
    expected: Expected


def ids_of(body: dict[str, Any]) -> list[int]:
    return [int(tweet["tweet_id"]) for tweet in body["tweets"]]


def prepare(stack: LiveStack, http: httpx.Client) -> dict[str, Question]:
    """A question for each row; whoever may be cached here has just been read."""
    writer, stranger, lurker, actor = (Caller(stack, http).sign_up() for _ in range(4))
    readers = {
        name: Caller(stack, http).sign_up() for name in ("plain", "ranked", "cursor", "refresh", "fickle")
    }
    for reader in (*readers.values(), lurker):
        reader.done("POST", f"/v1/users/{writer.user_id}/follow")
    actor.done("POST", f"/v1/users/{stranger.user_id}/follow")
    posted = [
        int(writer.done("POST", "/v1/tweets", json={"text": f"tweet {n}"})["tweet_id"]) for n in range(POSTS)
    ]
    newest = posted[::-1]
    for name, reader in readers.items():
        algorithm = "ranked" if name == "ranked" else "chronological"

        def arrived(reader: Caller = reader, algorithm: str = algorithm) -> bool:
            body = reader.feed(algorithm=algorithm).json()
            return "tweets" in body and ids_of(body) == newest[:LIMIT]

        wait_until("the tweets are there", arrived)
    first = readers["cursor"].feed().json()
    item = readers["plain"].feed().json()["tweets"][0]
    key = {"Idempotency-Key": "key"}
    retried = actor.call("POST", "/v1/tweets", json={"text": "once"}, headers=key)
    newcomer, nobody = Caller(stack, http), Caller(stack, http)
    fan = Caller(stack, http).sign_up()
    for path in (f"/v1/tweets/{posted[0]}/like", f"/v1/users/{stranger.user_id}/block"):
        fan.done("POST", path)
    fan.done("POST", f"/v1/users/{lurker.user_id}/mute")
    # Of whom there is nothing to see: the feed is the same before and after.
    readers["fickle"].done("POST", f"/v1/users/{fan.user_id}/follow")
    unwanted = stranger.done("POST", "/v1/tweets", json={"text": "to be deleted"})["tweet_id"]
    tweet_path, writer_path = f"/v1/tweets/{posted[-1]}", f"/v1/users/{writer.user_id}"
    for path in (tweet_path, writer_path):
        actor.done("GET", path)
    event = {
        "event_id": str(uuid.uuid4()),
        "type": "seen",
        "tracking": item["tracking"],
        "client_ts": datetime.now(UTC).isoformat(),
    }
    page = Expected(200, newest[:LIMIT])
    ok = Expected(200)
    # Making a profile does not read it.
    unread = Caller(stack, http).sign_up()
    assert retried.status_code == 201
    return {
        "`GET /v1/feed`": Question(readers["plain"].feed, page),
        "`GET /v1/feed?algorithm=ranked`": Question(
            lambda: readers["ranked"].feed(algorithm="ranked"), Expected(200, newest[:LIMIT], "no_model")
        ),
        "`GET /v1/feed`, a viewer never served here": Question(lurker.feed, page),
        "`GET /v1/feed`, just after a follow or its end": Question(readers["fickle"].feed, page),
        "`GET /v1/feed?cursor=…`": Question(
            lambda: readers["cursor"].feed(cursor=first["next_cursor"]),
            Expected(200, newest[LIMIT : 2 * LIMIT]),
        ),
        "`GET /v1/feed?refresh=1`": Question(lambda: readers["refresh"].feed(refresh="1"), page),
        "`GET /v1/tweets/{tweet_id}`": Question(lambda: actor.call("GET", tweet_path), ok),
        "`GET /v1/users/{user_id}`, read here before": Question(lambda: actor.call("GET", writer_path), ok),
        "`GET /v1/users/{user_id}`, never read here": Question(
            lambda: actor.call("GET", f"/v1/users/{unread.user_id}"), ok
        ),
        "`GET /v1/users/{user_id}/tweets`": Question(lambda: actor.call("GET", f"{writer_path}/tweets"), ok),
        "`POST /v1/tweets`": Question(
            lambda: writer.call("POST", "/v1/tweets", json={"text": "one more"}), Expected(201)
        ),
        "`POST /v1/tweets`, again with its key": Question(
            lambda: actor.call("POST", "/v1/tweets", json={"text": "once"}, headers=key), Expected(201)
        ),
        **{
            f"`POST /v1/tweets`, a {kind}": Question(
                lambda body=body: fan.call("POST", "/v1/tweets", json=body),  # type: ignore[misc]  # bound per turn
                Expected(201),
            )
            for kind, body in (
                ("reply", {"text": "so it is", "reply_to_tweet_id": str(posted[1])}),
                ("retweet", {"retweet_of": str(posted[1])}),
            )
        },
        "`DELETE /v1/tweets/{tweet_id}`": Question(
            lambda: stranger.call("DELETE", f"/v1/tweets/{unwanted}"), Expected(204)
        ),
        "`POST /v1/tweets/{tweet_id}/like`": Question(
            lambda: fan.call("POST", f"/v1/tweets/{posted[1]}/like"), ok
        ),
        "`DELETE /v1/tweets/{tweet_id}/like`": Question(
            lambda: fan.call("DELETE", f"/v1/tweets/{posted[0]}/like"), ok
        ),
        "`POST /v1/users`": Question(
            lambda: newcomer.call(
                "POST", "/v1/users", json={"handle": f"n{newcomer.user_id}", "display_name": "New"}
            ),
            Expected(201),
        ),
        "`PATCH /v1/users/{user_id}`": Question(
            lambda: fan.call("PATCH", f"/v1/users/{fan.user_id}", json={"display_name": "Fan"}), ok
        ),
        "`POST /v1/users/{user_id}/follow`": Question(
            lambda: actor.call("POST", f"{writer_path}/follow"), ok
        ),
        "`DELETE /v1/users/{user_id}/follow`": Question(
            lambda: actor.call("DELETE", f"/v1/users/{stranger.user_id}/follow"), ok
        ),
        **{
            f"`{method} /v1/users/{{user_id}}/{edge}`": Question(
                lambda method=method, edge=edge, to=to: fan.call(method, f"/v1/users/{to.user_id}/{edge}"),  # type: ignore[misc]  # bound per turn
                ok,
            )
            for method, edge, to in (
                ("POST", "block", actor),
                ("DELETE", "block", stranger),
                ("POST", "mute", actor),
                ("DELETE", "mute", lurker),
            )
        },
        "`POST /v1/events`": Question(
            lambda: readers["plain"].call("POST", "/v1/events", json={"events": [event]}), Expected(202)
        ),
        **{
            f"`GET {path}`": Question(lambda path=path: nobody.call("GET", path), ok)  # type: ignore[misc]  # bound per turn
            for path in ("/health/ready", "/health/live", "/metrics", "/.well-known/jwks.json")
        },
    }


def check(answer: httpx.Response, cell: str, expected: Expected) -> None:
    """The answer is what the cell of the table says."""
    if cell in (NOT_NOW, NOT_READY):
        assert answer.status_code == 503, answer.text
        body = answer.json()
        if cell == NOT_READY:
            assert body["status"] == "not_ready"
            return
        assert answer.headers["content-type"] == "application/problem+json"
        assert body["code"] in ("unavailable", "overloaded")
        assert int(answer.headers["retry-after"]) == body["retry_after_s"] >= 1
        return
    assert answer.status_code == expected.status, answer.text
    if expected.ids is None:
        assert cell == AS_EVER
        return
    body = answer.json()
    meta = body["meta"]
    assert ids_of(body) == expected.ids
    assert body["has_more"]
    assert meta["request_id"] == answer.headers["x-request-id"]
    if cell == AS_EVER:
        assert (meta["rung"], meta["reason"]) == (
            "full" if expected.reason is None else "chronological",
            expected.reason,
        )
    elif cell == FROM_STORE:
        assert (meta["algorithm_served"], meta["reason"]) == ("chronological", "cache_away")
        assert not meta["partial"]
    elif cell == FOLLOWED_BEFORE:
        assert (meta["rung"], meta["reason"]) == ("full", "followees_outdated")
        assert meta["partial"]
    else:
        assert cell == LAST_PAGE
        assert meta["rung"] == "last_page"
        assert meta["reason"]
        assert "etag" not in answer.headers
