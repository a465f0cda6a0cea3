"""Follows, blocks, mutes and likes that are none, and keys that are none: a 4xx, and nothing changed."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.e2e.live_stack import LiveStack
from tests.e2e.people import Person, make_people
from tests.integration.bad_input import JSON, MAX_ID, Circle, refused, rows_of

EDGES = ("follow", "block", "mute")
METHODS = ("POST", "DELETE")


def acts(circle: Circle) -> list[tuple[str, str]]:
    """Every route that says everything in its address."""
    writer, tweet = circle.writer.user_id, circle.posted[0]
    return [
        *((method, f"/v1/users/{writer}/{edge}") for edge in EDGES for method in METHODS),
        *((method, f"/v1/tweets/{tweet}/like") for method in METHODS),
        ("DELETE", f"/v1/tweets/{tweet}"),
    ]


def writes(circle: Circle) -> list[tuple[str, str, dict[str, Any]]]:
    """Every route that writes, with a body that it takes."""
    return [
        *((method, path, {}) for method, path in acts(circle)),
        ("POST", "/v1/tweets", {"text": "x"}),
        ("POST", "/v1/users", {"handle": "x", "display_name": "x"}),
        ("PATCH", f"/v1/users/{circle.reader.user_id}", {"display_name": "x"}),
    ]


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("method", METHODS)
async def test_oneself_and_nobody(method: str, edge: str, circle: Circle) -> None:
    reader, nobody = circle.reader, circle.nobody
    itself = await reader.call(method, f"/v1/users/{reader.user_id}/{edge}")
    refused(itself, "invalid_field", "user_id")
    for user_id in (nobody.user_id, int(MAX_ID)):
        answer = await reader.call(method, f"/v1/users/{user_id}/{edge}")
        refused(answer, "not_found", "user_id")
    refused(
        await nobody.call(method, f"/v1/users/{circle.writer.user_id}/{edge}"), "not_found", "Authorization"
    )


async def test_a_follow_across_a_block(stack: LiveStack, http: httpx.AsyncClient) -> None:
    ada, bob = await make_people(stack, http, 2)
    assert (await ada.call("POST", f"/v1/users/{bob.user_id}/block")).status_code == 200
    before = rows_of(stack)
    for one, other in ((ada, bob), (bob, ada)):
        answer = await one.call("POST", f"/v1/users/{other.user_id}/follow")
        refused(answer, "forbidden", "user_id")
    assert rows_of(stack) == before


@pytest.mark.parametrize("claim", ["user_id", "author_id", "follower", "actor", "viewer"])
async def test_a_body_that_claims_another_actor(claim: str, circle: Circle) -> None:
    for method, path, body in writes(circle):
        raw = json.dumps({**body, claim: str(circle.writer.user_id)}).encode()
        answer = await _sent(circle.reader, method, path, raw)
        refused(answer, "invalid_field", claim)


async def test_a_body_that_cannot_be_read_where_none_is_needed(circle: Circle) -> None:
    for method, path in acts(circle):
        for raw in (b"{", b"[]", b"\xff", b"1", b'"x"'):
            refused(await _sent(circle.reader, method, path, raw), "invalid_body", None)


KEYS: dict[str, tuple[str | None, bytes | None, str, int | None]] = {
    "empty": ("", None, "idempotency_key", 1),
    "65 characters": ("k" * 65, None, "idempotency_key", 64),
    "not ASCII": ("clé", None, "idempotency_key", None),
    "a line break": ("a\nb", None, "idempotency_key", None),
    "an empty header": (None, b"", "Idempotency-Key", 64),
    "a header of 65": (None, b"k" * 65, "Idempotency-Key", 64),
    "a header in Latin 1": (None, b"cl\xe9", "Idempotency-Key", 64),
    "a header with a tab": (None, b"a\tb", "Idempotency-Key", 64),
    "both, different": ("a", b"b", "idempotency_key", None),
}


@pytest.mark.parametrize(("in_body", "header", "field", "limit"), list(KEYS.values()), ids=list(KEYS))
async def test_a_key_that_is_none(
    in_body: str | None, header: bytes | None, field: str, limit: int | None, circle: Circle
) -> None:
    for method, path, body in writes(circle):
        keyed = body if in_body is None else {**body, "idempotency_key": in_body}
        own = {} if header is None else {b"Idempotency-Key": header}
        answer = await _sent(circle.reader, method, path, json.dumps(keyed).encode(), own)
        refused(answer, "invalid_field", field, limit)


async def test_two_headers_that_differ(stack: LiveStack, circle: Circle) -> None:
    async with httpx.AsyncClient(base_url=stack.url) as http:
        for method, path, body in writes(circle):
            headers = [*circle.reader.headers.items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
            answer = await http.request(method, path, headers=headers, json=body)
            refused(answer, "invalid_field", "Idempotency-Key")


async def _sent(
    person: Person, method: str, path: str, raw: bytes, headers: dict[bytes, bytes] | None = None
) -> httpx.Response:
    return await person.call(method, path, content=raw, headers={**JSON, **(headers or {})})
