"""Keys: what one may be, what it stands for, and the answer that it brings back."""

from __future__ import annotations

import pytest

from core.errors import IdempotencyMismatch, InvalidField
from core.ids import UserId
from feed_api.idempotency import Attempt, WriteRoute, key_of
from stores.ports import IdempotentAnswer

LIKE = WriteRoute("POST /v1/tweets/{tweet_id}/like", 200, "engage")
DELETE = WriteRoute("DELETE /v1/tweets/{tweet_id}", 204, "engage")


def attempt(route: WriteRoute = LIKE, key: str | None = "k", asked: bytes = b"77") -> Attempt:
    return Attempt(route, UserId(1), key, asked, 5)


@pytest.mark.parametrize("key", ["k", " ", "~" * 64, "a b"])
def test_a_key_comes_in_the_header_the_body_or_both(key: str) -> None:
    assert key_of(key, None) == key_of(None, key) == key_of(key, key) == key
    assert key_of(None, None) is None


@pytest.mark.parametrize("header", ["", "k" * 65, "cl\xe9", "a\tb", "a\x7f"])
def test_a_header_that_is_no_key(header: str) -> None:
    with pytest.raises(InvalidField) as caught:
        key_of(header, None)
    assert (caught.value.field, caught.value.limit) == ("Idempotency-Key", 64)


def test_two_keys_are_none() -> None:
    with pytest.raises(InvalidField) as caught:
        key_of("a", "b")
    assert caught.value.field == "idempotency_key"


def test_without_a_key_nothing_is_kept() -> None:
    assert attempt(key=None).keeping(b"{}") is None
    assert attempt().keeping(b"{}") == IdempotentAnswer("k", LIKE.name, b"77", b"{}", 5)


@pytest.mark.parametrize(("route", "body"), [(LIKE, b'{"likes":1}'), (DELETE, b"")])
def test_the_first_answer_comes_back_with_its_status(route: WriteRoute, body: bytes) -> None:
    first = attempt(route).keeping(body)
    assert first is not None
    once, again = route.answer(body), attempt(route).repeat(first)
    assert (again.status_code, again.body) == (once.status_code, once.body) == (route.status, body)
    assert again.headers == once.headers


@pytest.mark.parametrize("other", [attempt(DELETE), attempt(asked=b"78")])
def test_a_key_stands_for_one_request(other: Attempt) -> None:
    first = attempt().keeping(b"{}")
    assert first is not None
    with pytest.raises(IdempotencyMismatch) as caught:
        other.repeat(first)
    assert caught.value.field == "idempotency_key"
