"""Client events that are none, or were never served: refused by name, and nothing counted."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from core.clock import SystemClock
from core.ids import UserId, uuid7
from feed_api.reported import MAX_AGE_MS
from feed_api.signatures import Signer, Tracked
from tests.e2e.live_stack import LiveStack
from tests.e2e.people import event_of, make_people
from tests.integration.bad_input import JSON, Circle, refused

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


async def test_tokens_of_items_that_were_not_served(circle: Circle, stack: LiveStack) -> None:
    own, foreign = [(await one.page(limit=1))["tweets"][0] for one in (circle.reader, circle.writer)]
    token = own["tracking"]
    forgeries = (
        *("x", "é", "!", "A" * len(token), token[:-1], token[1:], token + "A", token + "=", token.swapcase()),
        foreign["tracking"],
    )
    events = [event_of(own, "seen") | {"tracking": forged} for forged in forgeries]
    # Well signed, but a dwell has a length.
    events.append({name: value for name, value in event_of(own, "dwell").items() if name != "value_ms"})
    # Served, but more than a day ago.
    signer, tweet_id = Signer(stack.keys.secret), int(own["tweet_id"])
    old = Tracked(uuid7(SystemClock().now_ms() - MAX_AGE_MS - 1_000, 1), tweet_id, circle.writer.user_id, 0)
    expired = signer.tracking(UserId(circle.reader.user_id), old)
    events.append(event_of(own, "seen") | {"tracking": expired})
    answer = await circle.reader.call("POST", "/v1/events", json={"events": events})
    assert answer.status_code == 202, answer.text
    body = answer.json()
    assert body["accepted"] == 0
    assert [one["index"] for one in body["rejected"]] == list(range(len(events)))
    assert [one["event_id"] for one in body["rejected"]] == [event["event_id"] for event in events]
    assert [one["field"] for one in body["rejected"]] == ["tracking"] * len(forgeries) + [
        "value_ms",
        "tracking",
    ]
    assert {one["code"] for one in body["rejected"]} == {"invalid_field"}


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
