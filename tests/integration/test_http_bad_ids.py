"""Ids that are none, or of nothing, in every route that has one in its address."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.bad_input import FULL_WIDTH, MAX_ID, Circle, refused

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
NO_IDS_IN_JSON: tuple[Any, ...] = (
    "",
    "0",
    "01",
    "-1",
    "abc",
    " 1",
    "1 ",
    FULL_WIDTH,
    str(2**63),
    "9" * 5_000,
    1,
    1.5,
    True,
    [],
)
ROUTES = (
    ("GET", "/v1/tweets/{}", "tweet_id"),
    ("DELETE", "/v1/tweets/{}", "tweet_id"),
    ("POST", "/v1/tweets/{}/like", "tweet_id"),
    ("DELETE", "/v1/tweets/{}/like", "tweet_id"),
    ("GET", "/v1/users/{}", "user_id"),
    *(
        (method, f"/v1/users/{{}}/{edge}", "user_id")
        for edge in ("follow", "block", "mute")
        for method in ("POST", "DELETE")
    ),
)


@pytest.mark.parametrize(("method", "path", "field"), ROUTES)
async def test_an_id_that_is_none(method: str, path: str, field: str, circle: Circle) -> None:
    for no_id in NO_IDS:
        refused(await circle.reader.call(method, path.format(no_id)), "invalid_id", field, MAX_ID)


@pytest.mark.parametrize(("method", "path", "field"), ROUTES)
async def test_an_id_of_nothing(method: str, path: str, field: str, circle: Circle) -> None:
    answer = await circle.reader.call(method, path.format(MAX_ID))
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (404, "not_found", field)


@pytest.mark.parametrize("field", ["reply_to_tweet_id", "retweet_of"])
async def test_a_body_with_an_id_that_is_none(field: str, circle: Circle) -> None:
    text = {"text": "x"} if field == "reply_to_tweet_id" else {}
    for no_id in NO_IDS_IN_JSON:
        answer = await circle.reader.call("POST", "/v1/tweets", json={**text, field: no_id})
        refused(answer, "invalid_id", field, MAX_ID)
    answer = await circle.reader.call("POST", "/v1/tweets", json={**text, field: MAX_ID})
    refused(answer, "not_found", field)


async def test_a_profile_of_an_id_that_is_none(circle: Circle) -> None:
    for no_id in NO_IDS:
        answer = await circle.reader.call("PATCH", f"/v1/users/{no_id}", json={"display_name": "x"})
        refused(answer, "invalid_id", "user_id", MAX_ID)
