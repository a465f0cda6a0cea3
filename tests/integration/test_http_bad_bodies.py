"""Bodies that cannot be read, or carry what nobody asked for: a 4xx that says so, and nothing changed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.e2e.live_stack import LiveStack
from tests.e2e.people import make_people
from tests.integration.bad_input import JSON, MAX_BODY, Circle, refused

UNREADABLE: dict[str, bytes] = {
    "nothing": b"",
    "half a document": b'{"text": "x"',
    "no JSON": b"text=x",
    "an array": b"[]",
    "a string": b'"x"',
    "a number": b"1",
    "null": b"null",
    "NaN alone": b"NaN",
    "invalid UTF-8": b'{"text": "\xff\xfe"}',
    "a name that is no text": b'{"text": "x", "\\ud800": 1}',
    "nested too deeply": b'{"text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "objects nested too deeply": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a number of 10,000 digits": b'{"text": ' + b"9" * 10_000 + b"}",
}


@pytest.mark.parametrize("path", ["/v1/tweets", "/v1/users", "/v1/events"])
@pytest.mark.parametrize("body", list(UNREADABLE.values()), ids=list(UNREADABLE))
async def test_a_body_that_cannot_be_read(path: str, body: bytes, circle: Circle) -> None:
    answer = await circle.writer.call("POST", path, content=body, headers=JSON)
    refused(answer, "invalid_body", None)


async def test_a_body_of_another_type(circle: Circle) -> None:
    answer = await circle.writer.call(
        "POST", "/v1/tweets", content=b'{"text": "x"}', headers={"Content-Type": "text/plain"}
    )
    refused(answer, "invalid_body", None)


TOO_LONG = b'{"text": "' + b"x" * MAX_BODY + b'"}'


async def test_a_body_over_the_limit_with_its_length(circle: Circle) -> None:
    answer = await circle.writer.call("POST", "/v1/tweets", content=TOO_LONG, headers=JSON)
    refused(answer, "body_too_large", "body", MAX_BODY)


async def test_a_body_over_the_limit_in_chunks(circle: Circle) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for begin in range(0, len(TOO_LONG), 10_000):
            yield TOO_LONG[begin : begin + 10_000]

    answer = await circle.writer.call("POST", "/v1/events", content=chunks(), headers=JSON)
    refused(answer, "body_too_large", "body", MAX_BODY)


UNKNOWN: dict[str, tuple[str, str, str]] = {
    "of a tweet": ("/v1/tweets", '{"text": "x", "lang": "de"}', "lang"),
    "of a tweet, NUL": ("/v1/tweets", '{"text": "x", "\\u0000": 1}', "\x00"),
    "of a profile": ("/v1/users", '{"handle": "x", "display_name": "x", "user_id": "1"}', "user_id"),
    "of events": ("/v1/events", '{"events": [], "viewer": "1"}', "viewer"),
}


@pytest.mark.parametrize(("path", "body", "field"), list(UNKNOWN.values()), ids=list(UNKNOWN))
async def test_a_field_that_is_not_there(path: str, body: str, field: str, circle: Circle) -> None:
    answer = await circle.nobody.call("POST", path, content=body.encode(), headers=JSON)
    assert answer.status_code == 422, answer.text
    if path == "/v1/events":
        # There are two faults; either may be told.
        assert answer.json()["field"] in ("events", field)
    else:
        refused(answer, "invalid_field", field)


async def test_a_route_that_is_not_there(circle: Circle) -> None:
    answer = await circle.reader.call("GET", "/v1/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["content-type"] == "application/problem+json"
    method = await circle.reader.call("PUT", "/v1/tweets", json={"text": "x"})
    assert (method.status_code, method.json()["code"]) == (405, "not_found")
    # What tells it from a tweet that is not there.
    assert (method.json()["field"], method.json()["limit"]) == ("method", method.headers["allow"])
    assert method.headers["content-type"] == "application/problem+json"
    assert method.headers["allow"]


async def test_a_body_of_just_the_limit(stack: LiveStack, http: httpx.AsyncClient) -> None:
    (ada,) = await make_people(stack, http, 1)
    body = b'{"text": "x"}'.ljust(MAX_BODY)
    answer = await ada.call("POST", "/v1/tweets", content=body, headers=JSON)
    assert answer.status_code == 201
