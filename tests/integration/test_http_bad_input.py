"""Whatever a client sends: a 4xx in the contracts' form that names field and limit, and nothing changed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
import pytest

from core.ids import UserId
from feed_api.problems import CODES
from feed_api.signatures import Signer
from ranking.query import FeedPosition
from tests.e2e.live_stack import LiveStack
from tests.e2e.people import Person, event_of, make_people
from tests.e2e.waiting import eventually

MAX_ID = str(2**63 - 1)
MAX_BODY = 512 * 1024
FULL_WIDTH = "\uff11\uff12\uff13"
"""123, as it is written in Japanese: digits to Python, and no id."""
STATUS = {
    "invalid_body": 400,
    "invalid_id": 400,
    "cursor_invalid": 400,
    "unauthenticated": 401,
    "body_too_large": 413,
    "invalid_field": 422,
}
_nobodies = itertools.count(8_000_000_001)


@dataclass(frozen=True, slots=True)
class Circle:
    """A reader of a writer with a few tweets, and somebody without a profile."""

    reader: Person
    writer: Person
    nobody: Person


@pytest.fixture
async def circle(stack: LiveStack, http: httpx.AsyncClient) -> AsyncIterator[Circle]:
    reader, writer = await make_people(stack, http, 2)
    await reader.follow(writer)
    posted = [await writer.post(f"tweet {number}") for number in range(3)]

    async def arrived() -> bool:
        return await reader.feed_ids() == posted[::-1]

    await eventually("the tweets are there", arrived)
    before = _rows(stack), await reader.feed(), await writer.feed()
    yield Circle(reader, writer, Person(stack, http, next(_nobodies)))
    after = _rows(stack), await reader.feed(), await writer.feed()
    assert _without_tracking(after) == _without_tracking(before)


def _rows(stack: LiveStack) -> dict[str, int]:
    """How many rows there are of everything that a request may write, served records apart."""
    counts: dict[str, int] = {}
    with closing(sqlite3.connect(stack.home.facts)) as facts:
        for table in ("users", "tweets", "follows", "likes", "idempotency", "log"):
            (counts[table],) = facts.execute(f"SELECT count(*) FROM {table}").fetchone()
    with closing(sqlite3.connect(stack.home.telemetry)) as telemetry:
        (counts["views"],) = telemetry.execute("SELECT count(*) FROM log WHERE topic = 'views.v1'").fetchone()
    return counts


def _without_tracking(seen: tuple[dict[str, int], list[Any], list[Any]]) -> Any:
    rows, *feeds = seen
    return rows, [[{**tweet, "tracking": ""} for tweet in feed] for feed in feeds]


def refused(answer: httpx.Response, code: str, field: str | None, limit: int | str | None = None) -> None:
    """The answer is a problem of the contracts' form, with this code, field and limit."""
    assert answer.status_code == STATUS[code], answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert code in CODES
    assert (body["code"], body["type"], body["status"]) == (code, f"urn:rankfeed:{code}", STATUS[code])
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == answer.headers["x-request-id"]
    assert (body.get("field"), body.get("limit")) == (field, limit)


JSON = {"Content-Type": "application/json"}


# -- bodies ------------------------------------------------------------------------------------------

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


# -- tweets and profiles -----------------------------------------------------------------------------

TEXTS: dict[str, tuple[str | bytes, int | None]] = {
    "missing": ("{}", None),
    "null": ('{"text": null}', None),
    "a number": ('{"text": 1}', None),
    "true": ('{"text": true}', None),
    "an array": ('{"text": ["x"]}', None),
    "NaN": ('{"text": NaN}', None),
    "infinity": ('{"text": -Infinity}', None),
    "a huge number": ('{"text": ' + "9" * 4_000 + "}", None),
    "empty": ('{"text": ""}', 1),
    "281 characters": (json.dumps({"text": "x" * 281}), 280),
    "281 code points": (json.dumps({"text": "🎉" * 281}, ensure_ascii=False), 280),
    "281 after NFC from 562": (json.dumps({"text": "e\u0301" * 281}), 280),
    "281 after NFC from 94": (json.dumps({"text": "\U0001d160" * 94}), 280),
    "2,000 characters": (json.dumps({"text": "x" * 2_000}), 280),
    "100,000 characters": (json.dumps({"text": "x" * 100_000}), 280),
    "a lone high surrogate": ('{"text": "a\\ud800b"}', None),
    "a lone low surrogate": ('{"text": "\\udc00"}', None),
    "a surrogate in UTF-8": (b'{"text": "\xed\xa0\x80"}', None),
    "NUL": ('{"text": "a\\u0000b"}', None),
}


@pytest.mark.parametrize(("body", "limit"), list(TEXTS.values()), ids=list(TEXTS))
async def test_a_text_that_is_none(body: str | bytes, limit: int | None, circle: Circle) -> None:
    content = body if isinstance(body, bytes) else body.encode()
    answer = await circle.writer.call("POST", "/v1/tweets", content=content, headers=JSON)
    refused(answer, "invalid_field", "text", limit)


KEYS: dict[str, tuple[str | None, bytes | None, str, int | None]] = {
    "empty": ("", None, "idempotency_key", 1),
    "65 characters": ("k" * 65, None, "idempotency_key", 64),
    "not ASCII": ("clé", None, "idempotency_key", None),
    "a line break": ("a\nb", None, "idempotency_key", None),
    "a surrogate": ("\ud800", None, "idempotency_key", None),
    "an empty header": (None, b"", "Idempotency-Key", 64),
    "a header of 65": (None, b"k" * 65, "Idempotency-Key", 64),
    "a header of 1,000": (None, b"k" * 1_000, "Idempotency-Key", 64),
    "a header that is not ASCII": (None, "clé".encode(), "Idempotency-Key", 64),
    "a header in Latin 1": (None, b"cl\xe9", "Idempotency-Key", 64),
    "a header with a tab": (None, b"a\tb", "Idempotency-Key", 64),
    "both, different": ("a", b"b", "idempotency_key", None),
}


@pytest.mark.parametrize(("in_body", "header", "field", "limit"), list(KEYS.values()), ids=list(KEYS))
async def test_an_idempotency_key_that_is_none(
    in_body: str | None, header: bytes | None, field: str, limit: int | None, circle: Circle
) -> None:
    body = {"text": "x"} | ({} if in_body is None else {"idempotency_key": in_body})
    own = {} if header is None else {b"Idempotency-Key": header}
    answer = await circle.writer.call(
        "POST", "/v1/tweets", content=json.dumps(body).encode(), headers={**JSON, **own}
    )
    refused(answer, "invalid_field", field, limit)


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


PROFILES: dict[str, tuple[dict[str, Any], str, int | None]] = {
    "no handle": ({"display_name": "x"}, "handle", None),
    "an empty handle": ({"handle": "", "display_name": "x"}, "handle", None),
    "a handle of 16": ({"handle": "h" * 16, "display_name": "x"}, "handle", 15),
    "a handle with a space": ({"handle": "a b", "display_name": "x"}, "handle", None),
    "a handle with a line break": ({"handle": "ab\n", "display_name": "x"}, "handle", None),
    "a handle that is not ASCII": ({"handle": "grün", "display_name": "x"}, "handle", None),
    "a handle of full-width digits": ({"handle": FULL_WIDTH, "display_name": "x"}, "handle", None),
    "a handle that is a number": ({"handle": 1, "display_name": "x"}, "handle", None),
    "no name": ({"handle": "x"}, "display_name", None),
    "an empty name": ({"handle": "x", "display_name": ""}, "display_name", 1),
    "a name of 51": ({"handle": "x", "display_name": "n" * 51}, "display_name", 50),
    "a name of 51 after NFC": ({"handle": "x", "display_name": "\U0001d160" * 17}, "display_name", 50),
    "a name with NUL": ({"handle": "x", "display_name": "a\x00"}, "display_name", None),
    "a name with a surrogate": ({"handle": "x", "display_name": "\udfff"}, "display_name", None),
}


@pytest.mark.parametrize(("body", "field", "limit"), list(PROFILES.values()), ids=list(PROFILES))
async def test_a_profile_that_is_none(
    body: dict[str, Any], field: str, limit: int | None, circle: Circle
) -> None:
    answer = await circle.nobody.call("POST", "/v1/users", content=json.dumps(body).encode(), headers=JSON)
    refused(answer, "invalid_field", field, limit)


# -- ids ---------------------------------------------------------------------------------------------

NO_IDS = (
    *(
        "0",
        "00",
        "01",
        "-1",
        "+1",
        "abc",
        FULL_WIDTH,
        "1.0",
        "1e3",
        "0x1",
        "1_0",
        "%201",
        "1%20",
        "%00",
        "%ff",
    ),
    *("null", "NaN", str(2**63), "9" * 20, "9" * 5_000),
)
ROUTES = (
    ("GET", "/v1/tweets/{}", "tweet_id"),
    ("GET", "/v1/users/{}", "user_id"),
    ("POST", "/v1/users/{}/follow", "user_id"),
    ("DELETE", "/v1/users/{}/follow", "user_id"),
)


@pytest.mark.parametrize(("method", "path", "field"), ROUTES)
async def test_an_id_that_is_none(method: str, path: str, field: str, circle: Circle) -> None:
    for no_id in NO_IDS:
        refused(await circle.reader.call(method, path.format(no_id)), "invalid_id", field, MAX_ID)


@pytest.mark.parametrize(("method", "path", "field"), ROUTES)
async def test_an_id_of_nothing(method: str, path: str, field: str, circle: Circle) -> None:
    answer = await circle.reader.call(method, path.format(MAX_ID))
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (404, "not_found", field)


# -- the feed's parameters ---------------------------------------------------------------------------

PARAMETERS: dict[str, tuple[str, str, int | None]] = {
    "limit 0": ("limit=0", "limit", 1),
    "limit -1": ("limit=-1", "limit", 1),
    "limit 101": ("limit=101", "limit", 100),
    "limit huge": ("limit=" + "9" * 100, "limit", 100),
    "limit NaN": ("limit=NaN", "limit", None),
    "limit infinite": ("limit=inf", "limit", None),
    "limit a word": ("limit=ten", "limit", None),
    "limit empty": ("limit=", "limit", None),
    "limit not whole": ("limit=1.5", "limit", None),
    "limit full-width": ("limit=" + FULL_WIDTH, "limit", None),
    "limit NUL": ("limit=%00", "limit", None),
    "unknown": ("foo=1", "foo", None),
    "unknown, not UTF-8": ("%ff=1", "\ufffd", None),
    "misspelt": ("algoritm=ranked", "algoritm", None),
    "an unknown algorithm": ("algorithm=random", "algorithm", None),
    "an algorithm in capitals": ("algorithm=RANKED", "algorithm", None),
    "no algorithm": ("algorithm=", "algorithm", None),
    "a refresh in words": ("refresh=yes", "refresh", None),
    "no refresh": ("refresh=", "refresh", None),
    "refresh 2": ("refresh=2", "refresh", None),
}


@pytest.mark.parametrize(("query", "field", "limit"), list(PARAMETERS.values()), ids=list(PARAMETERS))
async def test_a_parameter_that_is_none(query: str, field: str, limit: int | None, circle: Circle) -> None:
    refused(await circle.reader.call("GET", f"/v1/feed?{query}"), "invalid_field", field, limit)


def _signed(stack: LiveStack, viewer: int, body: Any) -> str:
    """A cursor that is signed as ours are, whatever it says."""
    packed = msgspec.msgpack.encode(body)
    key = hashlib.blake2b(b"cursor", key=stack.keys.secret, digest_size=32).digest()
    mac = hmac.digest(key, viewer.to_bytes(8, "big") + packed, "sha256")[:8]
    return base64.urlsafe_b64encode(packed + mac).rstrip(b"=").decode()


async def test_a_cursor_that_is_none(stack: LiveStack, circle: Circle) -> None:
    cursor = (await circle.reader.page(limit=1))["next_cursor"]
    foreign = (await circle.writer.page(limit=1))["next_cursor"]
    viewer = circle.reader.user_id
    own = {"v": 1, "m": "c", "b": 1, "s": "", "p": 1, "f": 0}
    assert (await circle.reader.page(limit=1, cursor=_signed(stack, viewer, own)))["tweets"] == []
    for bad in (
        *("", "x", "=", "!!!!", "é", "\x00", "A" * 200, "A" * 201, "A" * 5_000),
        *(
            cursor[:-1],
            cursor[1:],
            cursor + "A",
            cursor + "=",
            cursor + " ",
            cursor.swapcase(),
            cursor[: len(cursor) // 2],
        ),
        foreign,
        _signed(stack, viewer, own | {"v": 2}),
        _signed(stack, viewer, own | {"v": "1"}),
        _signed(stack, viewer, own | {"m": "x"}),
        _signed(stack, viewer, own | {"more": 1}),
        _signed(stack, viewer, {"v": 1}),
        _signed(stack, viewer, [1]),
    ):
        answer = await circle.reader.call("GET", "/v1/feed", params={"cursor": bad})
        refused(answer, "cursor_invalid", "cursor", 200)


async def test_a_ranked_cursor_in_a_chronological_feed(stack: LiveStack, circle: Circle) -> None:
    position = FeedPosition("r", slate="s", index=1, floor=1)
    cursor = Signer(stack.keys.secret).cursor(UserId(circle.reader.user_id), position)
    answer = await circle.reader.call(
        "GET", "/v1/feed", params={"cursor": cursor, "algorithm": "chronological"}
    )
    refused(answer, "cursor_invalid", "cursor")


async def test_a_refresh_in_the_middle_of_a_scroll(circle: Circle) -> None:
    cursor = (await circle.reader.page(limit=1))["next_cursor"]
    answer = await circle.reader.call("GET", "/v1/feed", params={"cursor": cursor, "refresh": "1"})
    refused(answer, "invalid_field", "refresh")


# -- events ------------------------------------------------------------------------------------------

WRONG_EVENTS: dict[str, tuple[dict[str, Any], str, int | None]] = {
    "an unknown type": ({"type": "like"}, "type", None),
    "a type that is a number": ({"type": 1}, "type", None),
    "no id": ({"event_id": ""}, "event_id", 1),
    "an id of 65": ({"event_id": "e" * 65}, "event_id", 64),
    "an id with a space": ({"event_id": "a b"}, "event_id", None),
    "an empty token": ({"tracking": ""}, "tracking", 1),
    "a token of 201": ({"tracking": "A" * 201}, "tracking", 200),
    "a token that is null": ({"tracking": None}, "tracking", None),
    "a negative length": ({"value_ms": -1}, "value_ms", 0),
    "a length of hours": ({"value_ms": 3_600_001}, "value_ms", 3_600_000),
    "a length of 2^80": ({"value_ms": 2**80}, "value_ms", 3_600_000),
    "a length in words": ({"value_ms": "1"}, "value_ms", None),
    "half a millisecond": ({"value_ms": 0.5}, "value_ms", None),
    "a true length": ({"value_ms": True}, "value_ms", None),
    "a length NaN": ({"value_ms": float("nan")}, "value_ms", None),
    "no time": ({"client_ts": None}, "client_ts", None),
    "a time without a zone": ({"client_ts": "2026-01-01T00:00:00"}, "client_ts", None),
    "a time that is a number": ({"client_ts": 1_700_000_000}, "client_ts", None),
    "a time that is a number in words": ({"client_ts": "1700000000"}, "client_ts", None),
    "a time of the year 10,000": ({"client_ts": "10000-01-01T00:00:00Z"}, "client_ts", None),
    "a time NaN": ({"client_ts": float("nan")}, "client_ts", None),
    "an unknown field": ({"weight": 9}, "weight", None),
}


@pytest.mark.parametrize(("change", "field", "limit"), list(WRONG_EVENTS.values()), ids=list(WRONG_EVENTS))
async def test_an_event_that_is_none(
    change: dict[str, Any], field: str, limit: int | None, circle: Circle
) -> None:
    right, wrong = (event_of(tweet, "seen") for tweet in (await circle.reader.page(limit=2))["tweets"])
    # One that cannot be read refuses them all: nothing of it is counted.
    body = json.dumps({"events": [right, wrong | change]})
    answer = await circle.reader.call("POST", "/v1/events", content=body.encode(), headers=JSON)
    refused(answer, "invalid_field", f"events.1.{field}", limit)


async def test_too_many_events_and_none(circle: Circle) -> None:
    event = event_of((await circle.reader.page(limit=1))["tweets"][0], "seen")
    many = await circle.reader.call("POST", "/v1/events", json={"events": [event] * 501})
    refused(many, "invalid_field", "events", 500)
    refused(await circle.reader.call("POST", "/v1/events", json={"events": []}), "invalid_field", "events", 1)
    refused(await circle.reader.call("POST", "/v1/events", json={}), "invalid_field", "events")
    refused(await circle.reader.call("POST", "/v1/events", json={"events": {}}), "invalid_field", "events")
    refused(await circle.reader.call("POST", "/v1/events", json={"events": [1]}), "invalid_field", "events.0")


async def test_tokens_of_items_that_were_not_served(circle: Circle) -> None:
    own, foreign = [(await one.page(limit=1))["tweets"][0] for one in (circle.reader, circle.writer)]
    token = own["tracking"]
    forgeries = (
        *("x", "é", "!", "A" * len(token), token[:-1], token[1:], token + "A", token + "=", token.swapcase()),
        foreign["tracking"],
    )
    events = [event_of(own, "seen") | {"tracking": forged} for forged in forgeries]
    # Well signed, but a dwell has a length.
    events.append({name: value for name, value in event_of(own, "dwell").items() if name != "value_ms"})
    answer = await circle.reader.call("POST", "/v1/events", json={"events": events})
    assert answer.status_code == 202, answer.text
    body = answer.json()
    assert body["accepted"] == 0
    assert [one["event_id"] for one in body["rejected"]] == [event["event_id"] for event in events]
    assert [one["field"] for one in body["rejected"]] == ["tracking"] * len(forgeries) + ["value_ms"]
    assert {one["code"] for one in body["rejected"]} == {"invalid_field"}


# -- routes ------------------------------------------------------------------------------------------


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


# -- what is just allowed ----------------------------------------------------------------------------


EDGES: dict[str, tuple[str, str]] = {
    "280 characters": ("x" * 280, "x" * 280),
    "280 code points": ("🎉" * 280, "🎉" * 280),
    "280 after NFC from 560": ("e\u0301" * 280, "\u00e9" * 280),
    "a space": (" ", " "),
    "what cannot be seen": ("a\u200d\u202e\ufeff\uffff", "a\u200d\u202e\ufeff\uffff"),
    "a surrogate's name": ("\\ud800", "\\ud800"),
}


@pytest.mark.parametrize(("sent", "kept"), list(EDGES.values()), ids=list(EDGES))
async def test_a_text_that_is_just_allowed(
    sent: str, kept: str, stack: LiveStack, http: httpx.AsyncClient
) -> None:
    (ada,) = await make_people(stack, http, 1)
    posted = await ada.post(sent)
    assert (await ada.call("GET", f"/v1/tweets/{posted}")).json()["text"] == kept
    assert (await ada.page())["tweets"][0]["text"] == kept


async def test_a_body_of_just_the_limit(stack: LiveStack, http: httpx.AsyncClient) -> None:
    (ada,) = await make_people(stack, http, 1)
    body = b'{"text": "x"}'.ljust(MAX_BODY)
    answer = await ada.call("POST", "/v1/tweets", content=body, headers=JSON)
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "client_ts",
    [
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59.999999-23:59",
        "1969-12-31T23:59:59Z",
        "2026-02-28T24:00:00Z",
    ],
)
async def test_a_clock_that_is_far_off_is_no_fault_of_ours(
    client_ts: str, stack: LiveStack, http: httpx.AsyncClient
) -> None:
    (ada,) = await make_people(stack, http, 1)
    await ada.post("x")
    event = event_of((await ada.page())["tweets"][0], "seen") | {"client_ts": client_ts}
    answer = await ada.call("POST", "/v1/events", json={"events": [event]})
    assert answer.status_code in (202, 422)
