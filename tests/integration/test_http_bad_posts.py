"""Tweets, replies and retweets that are none: a 4xx that names field and limit, and nothing changed."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.e2e.live_stack import LiveStack
from tests.e2e.people import make_people
from tests.integration.bad_input import JSON, Circle, refused, rows_of

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


FORMS: dict[str, tuple[dict[str, str], str, int | None]] = {
    "both a reply and a retweet": ({"reply_to_tweet_id": "{}", "retweet_of": "{}"}, "retweet_of", None),
    "both, with a text": ({"reply_to_tweet_id": "{}", "retweet_of": "{}", "text": "x"}, "retweet_of", None),
    "a retweet with a text": ({"retweet_of": "{}", "text": "x"}, "text", 0),
    "a reply without a text": ({"reply_to_tweet_id": "{}"}, "text", None),
    "a reply with an empty text": ({"reply_to_tweet_id": "{}", "text": ""}, "text", 1),
    "a reply of 281": ({"reply_to_tweet_id": "{}", "text": "x" * 281}, "text", 280),
    "an author": ({"text": "x", "author_id": "{}"}, "author_id", None),
    "a user": ({"text": "x", "user_id": "{}"}, "user_id", None),
}


@pytest.mark.parametrize(("body", "field", "limit"), list(FORMS.values()), ids=list(FORMS))
async def test_a_form_that_is_none(
    body: dict[str, str], field: str, limit: int | None, circle: Circle
) -> None:
    filled = {name: value.format(circle.posted[0]) for name, value in body.items()}
    refused(await circle.reader.call("POST", "/v1/tweets", json=filled), "invalid_field", field, limit)


def acts_on(tweet_id: int) -> list[tuple[str, str, dict[str, str], str]]:
    """Everything that one does to a tweet: method, path, body, and the field that names the tweet."""
    like = f"/v1/tweets/{tweet_id}/like"
    return [
        ("POST", like, {}, "tweet_id"),
        ("DELETE", like, {}, "tweet_id"),
        ("POST", "/v1/tweets", {"retweet_of": str(tweet_id)}, "retweet_of"),
        ("POST", "/v1/tweets", {"reply_to_tweet_id": str(tweet_id), "text": "x"}, "reply_to_tweet_id"),
    ]


async def test_acts_on_what_was_deleted(stack: LiveStack, http: httpx.AsyncClient) -> None:
    ada, bob = await make_people(stack, http, 2)
    tweet_id = await ada.post("x")
    assert (await ada.call("DELETE", f"/v1/tweets/{tweet_id}")).status_code == 204
    before = rows_of(stack)
    for person in (bob, ada):
        for method, path, body, field in acts_on(tweet_id):
            refused(await person.call(method, path, json=body), "gone", field)
    refused(await bob.call("DELETE", f"/v1/tweets/{tweet_id}"), "forbidden", "tweet_id")
    assert rows_of(stack) == before


async def test_acts_on_a_retweet(stack: LiveStack, http: httpx.AsyncClient) -> None:
    ada, bob = await make_people(stack, http, 2)
    original = await ada.post("x")
    answer = await bob.call("POST", "/v1/tweets", json={"retweet_of": str(original)})
    retweet = int(answer.json()["tweet_id"])
    before = rows_of(stack)
    for person in (ada, bob):
        for method, path, body, field in acts_on(retweet):
            answer = await person.call(method, path, json=body)
            refused(answer, "invalid_field", field)
            # It says which one was meant.
            assert str(original) in answer.json()["detail"]
    assert rows_of(stack) == before


async def test_acts_on_a_retweet_of_what_is_gone_or_out_of_sight(
    stack: LiveStack, http: httpx.AsyncClient
) -> None:
    ada, bob, eve = await make_people(stack, http, 3)
    retweets = {name: await bob.retweet(await ada.post("x")) for name in ("deleted", "blocked")}
    shown = (await bob.call("GET", f"/v1/tweets/{retweets['deleted']}")).json()
    await ada.delete(int(shown["retweet_of"]))
    assert (await eve.call("POST", f"/v1/users/{ada.user_id}/block")).status_code == 200
    before = rows_of(stack)
    for person, name, code in (
        (bob, "deleted", "gone"),
        (eve, "blocked", "not_found"),
        (eve, "deleted", "not_found"),
    ):
        for method, path, body, field in acts_on(retweets[name]):
            refused(await person.call(method, path, json=body), code, field)
    assert rows_of(stack) == before


async def test_acts_across_a_block(stack: LiveStack, http: httpx.AsyncClient) -> None:
    ada, bob = await make_people(stack, http, 2)
    tweets = {ada: await ada.post("x"), bob: await bob.post("x")}
    assert (await ada.call("POST", f"/v1/users/{bob.user_id}/block")).status_code == 200
    deleted = await ada.post("x")
    assert (await ada.call("DELETE", f"/v1/tweets/{deleted}")).status_code == 204
    before = rows_of(stack)
    for person, tweet_id in ((bob, tweets[ada]), (ada, tweets[bob]), (bob, deleted)):
        for method, path, body, field in acts_on(tweet_id):
            # As if it were not there, either way; what was deleted, too.
            refused(await person.call(method, path, json=body), "not_found", field)
    assert rows_of(stack) == before


async def test_acts_without_a_profile(circle: Circle) -> None:
    for method, path, body, _ in acts_on(circle.posted[0]):
        refused(await circle.nobody.call(method, path, json=body), "forbidden", "Authorization")
    deletion = await circle.nobody.call("DELETE", f"/v1/tweets/{circle.posted[0]}")
    refused(deletion, "forbidden", "Authorization")


async def test_a_tweet_of_somebody_else_is_not_ones_own_to_delete(circle: Circle) -> None:
    answer = await circle.reader.call("DELETE", f"/v1/tweets/{circle.posted[0]}")
    refused(answer, "forbidden", "tweet_id")
