"""A route that FastAPI documents, and that is called without its solving of dependencies.

For a feed that solving is a fifth of all the work: it looks at the declared parameters anew for each
request. What it would hand over is made here, in the same order: services, caller, then the query.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, get_type_hints

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError

from feed_api.services import principal_of, services_of


class DirectRoute(APIRoute):
    """For endpoints of just `request, services, caller, parameters`, the last a model of the query."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint = self.endpoint
        declared = get_type_hints(endpoint)
        names = [name for name in declared if name != "return"]
        assert names == ["request", "services", "caller", "parameters"], names
        model: type[BaseModel] = declared["parameters"]

        async def handle(request: Request) -> Response:
            services, caller = await services_of(request), await principal_of(request)
            answer: Response = await endpoint(request, services, caller, _parsed(model, request))
            return answer

        return handle


def _parsed(model: type[BaseModel], request: Request) -> BaseModel:
    """Raises RequestValidationError. Of a parameter that is sent twice the last one counts."""
    try:
        return model.model_validate(dict(request.query_params))
    except ValidationError as exc:
        raise RequestValidationError(
            [{**error, "loc": ("query", *error["loc"])} for error in exc.errors()]
        ) from exc
