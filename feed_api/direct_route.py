"""A route that FastAPI documents, and that is called without its solving of dependencies.

For a feed that solving is a fifth of all the work: it looks at the declared parameters anew for each
request. What it would hand over is made here, in the same order: services, caller, then the query.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import lru_cache, partial
from typing import Any, Literal, get_type_hints

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.datastructures import QueryParams

from feed_api.services import principal_of, services_of

FORMS = 256
FORM_BYTES = 80
"""Longer than that are those with a cursor, each of which comes once."""


class DirectRoute(APIRoute):
    """For endpoints of just `request, services, caller, parameters`, the last a model of the query."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint = self.endpoint
        declared = get_type_hints(endpoint)
        names = [name for name in declared if name != "return"]
        assert names == ["request", "services", "caller", "parameters"], names
        model: type[BaseModel] = declared["parameters"]

        # Feeds are asked for in the same few ways, and nobody changes what they were asked with.
        parsed = lru_cache(maxsize=FORMS)(partial(_parsed, model))

        async def handle(request: Request) -> Response:
            services, caller = await services_of(request), await principal_of(request)
            asked: bytes = request.scope["query_string"]
            parameters = parsed(asked) if len(asked) <= FORM_BYTES else _parsed(model, asked)
            answer: Response = await endpoint(request, services, caller, parameters)
            return answer

        return handle


def _parsed(model: type[BaseModel], asked: bytes) -> BaseModel:
    """Raises RequestValidationError. Of a parameter that is sent twice the last one counts."""
    return checked(model, dict(QueryParams(asked)), "query")


def checked(model: type[BaseModel], said: Any, where: Literal["query", "body"]) -> BaseModel:
    """Raises RequestValidationError, which names the fields as FastAPI does."""
    try:
        return model.model_validate(said)
    except ValidationError as exc:
        raise RequestValidationError(
            [{**error, "loc": (where, *error["loc"])} for error in exc.errors()]
        ) from exc
