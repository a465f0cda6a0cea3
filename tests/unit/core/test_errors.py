"""Errors: one tree, and the contract's closed list of codes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core import errors
from core.errors import InputError, InvalidField, RankfeedError, Unavailable

# The list of the contracts; `internal` is what the HTTP boundary answers for a bug, so no class has it.
CODES = {
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
}


def descendants(cls: type[RankfeedError]) -> Iterator[type[RankfeedError]]:
    """The classes below `cls` that core defines; other floors may have some of their own."""
    for below in cls.__subclasses__():
        if below.__module__ == errors.__name__:
            yield below
            yield from descendants(below)


def test_the_codes_are_exactly_the_contracts() -> None:
    answered = {*descendants(InputError), Unavailable, *descendants(Unavailable)}
    codes = {str(cls.__dict__["code"]) for cls in answered if "code" in cls.__dict__}
    assert codes | {"internal"} == CODES


def test_no_two_input_errors_share_a_code() -> None:
    codes = [cls.__dict__["code"] for cls in descendants(InputError)]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("cls", list(descendants(InputError)))
def test_an_input_error_has_a_status_and_a_title_of_its_own(cls: type[InputError]) -> None:
    assert 400 <= cls.status < 500
    assert cls.title != InputError.title


def test_every_error_is_of_the_one_tree() -> None:
    defined = {value for value in vars(errors).values() if isinstance(value, type)}
    assert defined == {RankfeedError, *descendants(RankfeedError)}
    assert issubclass(RankfeedError, Exception)


def test_an_input_error_carries_what_the_problem_document_needs() -> None:
    error = InvalidField("text is too long", field="text", limit=280, retry_after_s=3)
    assert str(error) == error.detail == "text is too long"
    assert (error.field, error.limit, error.retry_after_s) == ("text", 280, 3)
    bare = InvalidField("no")
    assert (bare.field, bare.limit, bare.retry_after_s) == (None, None, None)
