"""Profiles that are none: a 4xx that names field and limit, and nothing changed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.bad_input import FULL_WIDTH, JSON, Circle, refused

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


@pytest.mark.parametrize(
    ("body", "field", "limit"),
    [
        ({}, "display_name", None),
        ({"display_name": None}, "display_name", None),
        ({"display_name": ""}, "display_name", 1),
        ({"display_name": "n" * 51}, "display_name", 50),
        ({"display_name": "a\x00"}, "display_name", None),
        ({"display_name": "x", "handle": "new"}, "handle", None),
        ({"display_name": "x", "user_id": "1"}, "user_id", None),
    ],
)
async def test_a_change_of_a_profile_that_is_none(
    body: dict[str, Any], field: str, limit: int | None, circle: Circle
) -> None:
    answer = await circle.reader.call("PATCH", f"/v1/users/{circle.reader.user_id}", json=body)
    refused(answer, "invalid_field", field, limit)


async def test_a_profile_of_somebody_else_or_of_nobody(circle: Circle) -> None:
    name = {"display_name": "x"}
    for user_id in (circle.writer.user_id, circle.nobody.user_id):
        refused(await circle.reader.call("PATCH", f"/v1/users/{user_id}", json=name), "forbidden", "user_id")
    own = await circle.nobody.call("PATCH", f"/v1/users/{circle.nobody.user_id}", json=name)
    refused(own, "forbidden", "Authorization")


async def test_a_handle_that_is_taken_whatever_its_case(circle: Circle) -> None:
    for handle in (f"p{circle.reader.user_id}", f"P{circle.reader.user_id}"):
        answer = await circle.nobody.call("POST", "/v1/users", json={"handle": handle, "display_name": "x"})
        refused(answer, "conflict", "handle")
    again = {"handle": f"q{circle.reader.user_id}", "display_name": "x"}
    refused(await circle.reader.call("POST", "/v1/users", json=again), "conflict", "user_id")
