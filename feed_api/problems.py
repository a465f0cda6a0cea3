"""Errors as `application/problem+json` (RFC 9457), with a closed list of codes."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from core.errors import (
    BodyTooLarge,
    InputError,
    InvalidBody,
    InvalidField,
    InvalidId,
    NotFound,
    Overloaded,
    Unavailable,
)
from feed_api.request_scope import BodyLimitExceeded, current_request_id

_logger = structlog.get_logger("problems")

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = (1, 5)
"""Between them at random: who was turned away together must not come back together."""

CODES = (
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
)


class Problem(BaseModel):
    """The form of every error, for the OpenAPI document."""

    type: str = Field(examples=["urn:rankfeed:invalid_field"])
    title: str
    status: int
    detail: str
    code: str = Field(json_schema_extra={"enum": list(CODES)})
    field: str | None = None
    limit: int | str | None = None
    retry_after_s: int | None = None
    request_id: str


def problem(
    *,
    code: str,
    status: int,
    title: str,
    detail: str,
    field: str | None = None,
    limit: int | str | None = None,
    retry_after_s: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    body: dict[str, Any] = {
        "type": f"urn:rankfeed:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": current_request_id(),
    }
    optional = {"field": field, "limit": limit, "retry_after_s": retry_after_s}
    body |= {name: value for name, value in optional.items() if value is not None}
    sent = dict(headers or {})
    if retry_after_s is not None:
        sent["Retry-After"] = str(retry_after_s)
    if status == HTTPStatus.UNAUTHORIZED:
        sent["WWW-Authenticate"] = 'Bearer realm="rankfeed"'
    return Response(msgspec.json.encode(body), status_code=status, media_type=MEDIA_TYPE, headers=sent)


def input_problem(error: InputError) -> Response:
    return problem(
        code=error.code,
        status=error.status,
        title=error.title,
        detail=error.detail,
        field=error.field,
        limit=error.limit,
        retry_after_s=error.retry_after_s,
    )


def internal_problem() -> Response:
    return problem(
        code="internal",
        status=500,
        title="Something is wrong on our side",
        detail="the error is in the server's log under this request_id",
    )


def overloaded_problem(randomness: random.Random) -> Response:
    return problem(
        code="overloaded",
        status=503,
        title="Not just now",
        detail="too many requests are under way; the same request may go through in a moment",
        retry_after_s=randomness.randint(*RETRY_AFTER_S),
    )


def unavailable_problem(randomness: random.Random) -> Response:
    return problem(
        code="unavailable",
        status=503,
        title="Not just now",
        detail="the same request may go through in a moment",
        retry_after_s=randomness.randint(*RETRY_AFTER_S),
    )


ErrorHandlers = Mapping[type[Exception], Callable[[Request, Exception], Awaitable[Response]]]


def handlers(randomness: random.Random) -> ErrorHandlers:
    """Every error that a route may raise, and how it gets the one form."""

    async def unavailable(request: Request, error: Exception) -> Response:
        _logger.warning("unavailable", error=str(error))
        form = overloaded_problem if isinstance(error, Overloaded) else unavailable_problem
        return form(randomness)

    return {
        InputError: _input_error,
        Unavailable: unavailable,
        RequestValidationError: _validation_error,
        HTTPException: _http_exception,
    }


async def _input_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, InputError)
    return input_problem(error)


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return input_problem(_first_fault(error.errors()))


def _first_fault(faults: Sequence[Any]) -> InputError:
    """The first fault, without any of the input in it: input may not even be printable."""
    fault = faults[0]
    location = [str(part) for part in fault["loc"]]
    field = ".".join(location[1:]) or None
    kind, context = str(fault["type"]), fault.get("ctx", {})
    if location[0] == "body" and (field is None or kind == "json_invalid"):
        return InvalidBody("the body must be a JSON object of the documented form, in UTF-8")
    if kind == "extra_forbidden":
        return InvalidField("there is no such field", field=field)
    if kind == "missing":
        return InvalidField("this field is required", field=field)
    if kind == "invalid_id":
        return InvalidId(str(fault["msg"]), field=field, limit=context.get("limit"))
    bounds = ("max_length", "min_length", "le", "ge", "lt", "gt", "limit")
    limit = next((context[name] for name in bounds if name in context), None)
    if limit is not None and not isinstance(limit, int | str):
        limit = str(limit)
    return InvalidField(str(fault["msg"]), field=field, limit=limit)


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error, BodyLimitExceeded):
        return input_problem(
            BodyTooLarge(f"a body may have {error.limit} bytes", field="body", limit=error.limit)
        )
    title = HTTPStatus(error.status_code).phrase
    if error.status_code == HTTPStatus.BAD_REQUEST:
        return input_problem(InvalidBody("the body must be a JSON object of the documented form, in UTF-8"))
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # There is no such operation; `field` tells it from a tweet or a user that is not there.
        return problem(
            code=NotFound.code,
            status=error.status_code,
            title=title,
            detail=f"there is no {request.method} at this address",
            field="method",
            limit=(error.headers or {}).get("Allow"),
            headers=error.headers,
        )
    code = NotFound.code if error.status_code == HTTPStatus.NOT_FOUND else InvalidBody.code
    detail = "there is no such route" if code == NotFound.code else f"{request.method}: {title.lower()}"
    return problem(code=code, status=error.status_code, title=title, detail=detail, headers=error.headers)
