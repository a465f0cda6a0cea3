"""The OpenAPI document is kept: generated requests, right and wrong, get answers of the documented form."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.e2e.live_stack import LiveStack

EXAMPLES, EXAMPLES_OF_AN_ACT = 120, 40
"""Requests an operation, fewer where its address says everything; the whole takes about a minute."""
ACTS = (
    ("DELETE", "/v1/tweets/{tweet_id}"),
    ("POST", "/v1/tweets/{tweet_id}/like"),
    ("DELETE", "/v1/tweets/{tweet_id}/like"),
    *(
        (method, f"/v1/users/{{user_id}}/{edge}")
        for edge in ("follow", "block", "mute")
        for method in ("POST", "DELETE")
    ),
)
WITH_INPUT = (
    *ACTS,
    ("GET", "/v1/feed"),
    ("POST", "/v1/tweets"),
    ("GET", "/v1/tweets/{tweet_id}"),
    ("POST", "/v1/users"),
    ("GET", "/v1/users/{user_id}"),
    ("GET", "/v1/users/{user_id}/tweets"),
    ("PATCH", "/v1/users/{user_id}"),
    ("POST", "/v1/events"),
)
WITHOUT_INPUT = (
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/metrics"),
    ("GET", "/.well-known/jwks.json"),
)
CASES = [
    *((*operation, mode) for operation in WITH_INPUT for mode in GenerationMode),
    # Nothing can be wrong about a request that carries nothing.
    *((*operation, GenerationMode.POSITIVE) for operation in WITHOUT_INPUT),
]
USER = 7_000_000_001
NEWCOMER = USER + 1

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="session")
def document(stack: LiveStack) -> schemathesis.BaseSchema:
    """The document; its user has a profile and a tweet, so that there is something to answer with."""
    with httpx.Client(base_url=stack.url, headers=_headers(stack, USER)) as http:
        for path, body in (
            ("/v1/users", {"handle": "generated", "display_name": "Generated"}),
            ("/v1/tweets", {"text": "hello"}),
        ):
            assert http.post(path, json=body).status_code == 201
    return schemathesis.openapi.from_url(f"{stack.url}/openapi.json")


def test_every_operation_is_tested(stack: LiveStack) -> None:
    paths = httpx.get(f"{stack.url}/openapi.json").json()["paths"]
    assert {(method.upper(), path) for path, methods in paths.items() for method in methods} == {
        *WITH_INPUT,
        *WITHOUT_INPUT,
    }


@pytest.mark.parametrize(("method", "path", "mode"), CASES)
def test_an_operation_answers_as_documented(
    method: str, path: str, mode: GenerationMode, document: schemathesis.BaseSchema, stack: LiveStack
) -> None:
    operation = document[path][method]
    headers = _headers(stack, NEWCOMER if (method, path) == ("POST", "/v1/users") else USER)

    @settings(
        max_examples=EXAMPLES_OF_AN_ACT if (method, path) in ACTS else EXAMPLES,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def answers_as_documented(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(headers=headers, checks=CHECKS)

    answers_as_documented()


def _headers(stack: LiveStack, user_id: int) -> dict[str, str]:
    return {"Authorization": f"Bearer {stack.token(user_id)}"}
