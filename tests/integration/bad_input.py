"""A circle that bad input is sent by, and what must be the same afterwards."""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx

from feed_api.problems import CODES
from tests.e2e.live_stack import LiveStack
from tests.e2e.people import Person

MAX_ID = str(2**63 - 1)
MAX_BODY = 512 * 1024
FULL_WIDTH = "\uff11\uff12\uff13"
"""123, as it is written in Japanese: digits to Python, and no id."""
JSON = {"Content-Type": "application/json"}
STATUS = {
    "invalid_body": 400,
    "invalid_id": 400,
    "cursor_invalid": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "follow_limit": 403,
    "not_found": 404,
    "conflict": 409,
    "gone": 410,
    "body_too_large": 413,
    "invalid_field": 422,
    "idempotency_mismatch": 422,
}
# Rows that change stay as many, but their versions rise.
_VERSIONED = {
    "users": "ver",
    "tweets": "deleted_ver",
    "follows": "ver",
    "likes": "ver",
    "blocks": "ver",
    "mutes": "ver",
}
nobodies = itertools.count(8_000_000_001)


@dataclass(frozen=True, slots=True)
class Circle:
    """A reader of a writer with a few tweets (ids, oldest first), and somebody without a profile."""

    reader: Person
    writer: Person
    nobody: Person
    posted: list[int]


def rows_of(stack: LiveStack) -> dict[str, Any]:
    """How many rows there are of everything that a request may write, served records apart, and their
    versions."""
    found: dict[str, Any] = {}
    with closing(sqlite3.connect(stack.home.facts)) as facts:
        for table in ("idempotency", "log"):
            (found[table],) = facts.execute(f"SELECT count(*) FROM {table}").fetchone()
        for table, ver in _VERSIONED.items():
            found[table] = facts.execute(f"SELECT count(*), total({ver}) FROM {table}").fetchone()
    with closing(sqlite3.connect(stack.home.telemetry)) as telemetry:
        (found["views"],) = telemetry.execute("SELECT count(*) FROM log WHERE topic = 'views.v1'").fetchone()
    return found


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
