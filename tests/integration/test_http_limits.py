"""Every route that takes a token has a limit, which is the one that it says; a retry is free."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.live_stack import LiveStack, live_stack
from tests.e2e.people import Person, event_of, http_client, make_people

SMALL = {
    "post": "3/1h",
    "engage": "4/1h",
    "follow": "3/1h",
    "profile": "2/1h",
    "refresh": "2/1h",
    "read": "6/1h",
    "report": "500/1h",
}
EVENTS = {"type": "seen", "tracking": "x", "client_ts": "2026-01-01T00:00:00Z"}


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    environment = {f"RANKFEED_LIMITS_{name.upper()}": rate for name, rate in SMALL.items()}
    with live_stack(tmp_path_factory.mktemp("strict"), environment=environment) as running:
        yield running


@pytest.fixture
async def strict_http(strict: LiveStack) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(strict) as client:
        yield client


def refused(answer: httpx.Response, limit_class: str) -> None:
    assert answer.status_code == 429, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["code"], body["field"], body["limit"]) == ("rate_limited", limit_class, SMALL[limit_class])
    assert 1 <= body["retry_after_s"] <= 3_600
    assert int(answer.headers["retry-after"]) == body["retry_after_s"]


def request_of(method: str, path: str, ada: Person, bob: Person) -> dict[str, Any]:
    """A request of that route that does no harm."""
    body: dict[str, Any] | None = None
    if path == "/v1/tweets":
        body = {"text": "x"}
    elif path == "/v1/users":
        body = {"handle": "taken", "display_name": "x"}
    elif path == "/v1/events":
        body = {"events": [EVENTS | {"event_id": "e"}] * 250}
    elif method == "PATCH":
        return {"method": method, "path": f"/v1/users/{ada.user_id}", "json": {"display_name": "x"}}
    filled = path.replace("{user_id}", str(bob.user_id)).replace("{tweet_id}", "1")
    return {"method": method, "path": filled, **({} if body is None else {"json": body})}


async def test_every_route_is_limited_as_it_says(strict: LiveStack, strict_http: httpx.AsyncClient) -> None:
    paths = (await strict_http.get("/openapi.json")).json()["paths"]
    routes = [
        (method.upper(), path, operation)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if path.startswith("/v1/")
    ]
    assert len(routes) >= 8
    used = set()
    for method, path, operation in routes:
        ada, bob = await make_people(strict, strict_http, 2)
        (first, *others) = operation["x-rate-limit-classes"]
        used |= {first, *others}
        answers = 0
        for _ in range(20):
            answer = await ada.call(**request_of(method, path, ada, bob))
            answers += 1
            if answer.status_code == 429:
                break
        assert answers >= 2, (method, path)
        refused(answer, first)
        # It is hers alone.
        assert (await bob.call(**request_of(method, path, bob, ada))).status_code != 429
    assert used == set(SMALL)
    for path in ("/health/live", "/metrics", "/openapi.json", "/.well-known/jwks.json"):
        assert {(await strict_http.get(path)).status_code for _ in range(20)} == {200}


async def test_a_retry_is_free(strict: LiveStack, strict_http: httpx.AsyncClient) -> None:
    (ada,) = await make_people(strict, strict_http, 1)
    first = [await ada.post("x", key=f"k{number}") for number in range(3)]
    refused(await ada.call("POST", "/v1/tweets", json={"text": "x"}), "post")
    refused(
        await ada.call("POST", "/v1/tweets", json={"text": "x"}, headers={"Idempotency-Key": "k3"}), "post"
    )
    for _ in range(3):
        assert [await ada.post("x", key=f"k{number}") for number in range(3)] == first
    # The same key with another body is told so, limit or not.
    other = await ada.call("POST", "/v1/tweets", json={"text": "y"}, headers={"Idempotency-Key": "k1"})
    assert other.json()["code"] == "idempotency_mismatch"
    assert await ada.feed_ids() == first[::-1]


async def test_what_is_refused_for_itself_is_not_counted(
    strict: LiveStack, strict_http: httpx.AsyncClient
) -> None:
    (ada,) = await make_people(strict, strict_http, 1)
    for _ in range(5):
        assert (await ada.call("POST", "/v1/tweets", json={"text": ""})).status_code == 422
    for number in range(3):
        await ada.post(f"{number}")


async def test_refreshing_is_limited_more_tightly_than_reading(
    strict: LiveStack, strict_http: httpx.AsyncClient
) -> None:
    (ada,) = await make_people(strict, strict_http, 1)
    for _ in range(2):
        assert (await ada.call("GET", "/v1/feed?refresh=1")).status_code == 200
    refused(await ada.call("GET", "/v1/feed?refresh=1"), "refresh")
    assert (await ada.call("GET", "/v1/feed")).status_code == 200


async def test_a_flush_forgets_what_was_counted_and_nothing_else(
    strict: LiveStack, strict_http: httpx.AsyncClient
) -> None:
    (ada,) = await make_people(strict, strict_http, 1)
    posted = [await ada.post(f"{number}", key=f"k{number}") for number in range(3)]
    with strict.redis() as redis:
        redis.flushall()
    assert await ada.post("0", key="k0") == posted[0]
    posted.append(await ada.post("3"))
    assert await ada.feed_ids() == posted[::-1]


async def test_events_are_counted_one_by_one(strict: LiveStack, strict_http: httpx.AsyncClient) -> None:
    ada, bob = await make_people(strict, strict_http, 2)
    await bob.post("x")
    await ada.follow(bob)
    event = event_of((await ada.page(refresh="1"))["tweets"][0], "seen")
    for _ in range(2):
        events = [event | {"event_id": str(uuid.uuid4())} for _ in range(250)]
        assert (await ada.call("POST", "/v1/events", json={"events": events})).status_code == 202
    refused(await ada.call("POST", "/v1/events", json={"events": [event]}), "report")
