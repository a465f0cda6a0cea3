"""docs/http.md against the API's own description of itself."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi import FastAPI

from core.errors import InputError, Overloaded, Unavailable
from feed_api.app import ROUTES
from feed_api.problems import CODES
from ranking.query import FeedMeta
from tests.unit.docs.pages import DOCS, PAGES, blocks, inline, named, section

PAGE = (DOCS / "http.md").read_text()
METHODS = "GET|POST|PATCH|DELETE"


def described() -> dict[str, Any]:
    app = FastAPI()
    for module in ROUTES:
        app.include_router(module.router)
    return app.openapi()


API = described()
OPERATIONS: dict[str, dict[str, Any]] = {
    f"{method.upper()} {path}": operation
    for path, operations in API["paths"].items()
    for method, operation in operations.items()
}
# FastAPI's own, which does not describe itself.
UNDESCRIBED = {"GET /openapi.json"}


def fields(schema: dict[str, Any]) -> set[str]:
    """The names of what a body may hold or an answer has, and of what is in that, but for tweets."""
    if "$ref" in schema:
        schema = API["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for one in schema.get("anyOf", ()):
        schema = one if "$ref" in one or "properties" in one else schema
    if "$ref" in schema:
        return fields(schema)
    members = schema.get("properties", {})
    nested = [members[name].get("items", {}) for name in members if name != "tweets"]
    return set(members).union(*(fields(one) for one in nested if "$ref" in one))


def named_by(operation: dict[str, Any]) -> set[str]:
    """All that a section has to name: parameters of the query, members of the body and of the answer."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    answers = [
        answer["content"]["application/json"]["schema"]
        for status, answer in operation["responses"].items()
        if status.startswith("2") and "application/json" in answer.get("content", {})
    ]
    query = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
    return query.union(*(fields(schema) for schema in (body, *answers)))


def test_every_route_has_its_section_and_every_section_its_route() -> None:
    sections = re.findall(rf"^### ((?:{METHODS}) /\S+)$", PAGE, re.M)
    assert len(sections) == len(set(sections))
    assert set(sections) == set(OPERATIONS) | UNDESCRIBED


@pytest.mark.parametrize("route", OPERATIONS)
def test_a_section_says_what_the_route_takes_and_answers(route: str) -> None:
    told, operation = section(PAGE, f"### {route}"), OPERATIONS[route]
    words = set(inline(told))
    (status,) = (status for status in operation["responses"] if status.startswith("2"))
    assert re.search(rf"\b{status}\b", told)
    for one in operation.get("x-rate-limit-classes", ()):
        assert re.search(rf"class\s`{one}`", told)
    assert named_by(operation) <= words


@pytest.mark.parametrize("route", sorted(set(OPERATIONS) | UNDESCRIBED))
def test_a_section_has_an_example(route: str) -> None:
    method, path = route.split()
    typed = "".join(blocks(section(PAGE, f"### {route}"), "sh"))
    address = re.sub(r"\\\{\w+\\\}", r"[^/\\s]+", re.escape(path))
    (call, *_) = re.findall(rf'curl [^|]*?"?\$URL{address}[?"\s)][^|]*', typed) or [""]
    assert call, typed
    asked = re.search(rf"-X ({METHODS})", call)
    assert (asked[1] if asked else "POST" if " -d " in call else "GET") == method


def test_every_error_stands_with_its_code_and_status() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| (\d{3})(?:, \d{3})* \|", PAGE, re.M)
    assert sorted(code for code, _ in rows) == sorted(CODES)
    kinds: list[type[InputError | Unavailable]] = [*InputError.__subclasses__(), Unavailable, Overloaded]
    assert {kind.code: kind.status for kind in kinds} | {"internal": 500} == {
        code: int(status) for code, status in rows
    }


def test_what_a_page_says_of_itself_is_told() -> None:
    words = set(inline(section(PAGE, "### GET /v1/feed")))
    assert {"request_id", *FeedMeta.__struct_fields__} <= words


def test_every_address_on_every_page_is_a_route() -> None:
    known = {re.sub(r"\{\w+\}", "{}", route) for route in (*OPERATIONS, *UNDESCRIBED)}
    for page in PAGES:
        for code in inline(page.read_text()):
            if re.fullmatch(rf"(?:{METHODS}) /\S+", code):
                route = re.sub(r"\{\w+\}", "{}", code.partition("?")[0])
                assert route in known, f"{named(page)}: {code}"
