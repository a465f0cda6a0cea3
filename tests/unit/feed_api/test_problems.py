"""The list of error codes is closed: every error that can be raised has one of them."""

from __future__ import annotations

import random

import msgspec

from core import errors
from feed_api.problems import CODES, RETRY_AFTER_S, overloaded_problem, unavailable_problem

CONTRACT = [
    "invalid_body",
    "invalid_field",
    "invalid_id",
    "cursor_invalid",
    "unauthenticated",
    "forbidden",
    "not_found",
    "gone",
    "conflict",
    "idempotency_mismatch",
    "follow_limit",
    "rate_limited",
    "body_too_large",
    "unavailable",
    "overloaded",
    "internal",
]


def _all(root: type[errors.RankfeedError]) -> set[type[errors.RankfeedError]]:
    return {root}.union(*(_all(one) for one in root.__subclasses__()))


def test_the_codes_are_those_of_the_contracts() -> None:
    assert list(CODES) == CONTRACT


def test_every_error_of_the_callers_has_a_code_and_a_status() -> None:
    for error in (one for one in _all(errors.InputError) if issubclass(one, errors.InputError)):
        assert error.code in CODES
        assert 400 <= error.status < 500
        assert error.title


def test_who_was_turned_away_together_does_not_come_back_together() -> None:
    randomness = random.Random(1)
    for form in (overloaded_problem, unavailable_problem):
        answers = [form(randomness) for _ in range(100)]
        said = {int(answer.headers["Retry-After"]) for answer in answers}
        assert said == set(range(RETRY_AFTER_S[0], RETRY_AFTER_S[1] + 1))
        for answer in answers:
            body = msgspec.json.Decoder().decode(answer.body)
            assert body["retry_after_s"] == int(answer.headers["Retry-After"])
