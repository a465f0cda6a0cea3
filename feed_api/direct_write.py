"""A route that writes what its body says, called without FastAPI's solving of dependencies.

For a post that solving, and the search for the route (`feed_api.short_way`), are a quarter of all the
work. What FastAPI would hand over is made here in its order: the body as JSON, services, caller, the
idempotency key, then what the body says. What it refuses is refused alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from email.message import Message
from functools import lru_cache
from typing import Any, get_type_hints

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.requests import ClientDisconnect

from feed_api.direct_route import DirectRoute, checked
from feed_api.idempotency import in_header
from feed_api.services import principal_of, services_of


class DirectWrite(DirectRoute):
    """For endpoints of just `services, caller, header_key, body`, the last a model that is required."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint = self.endpoint
        declared = get_type_hints(endpoint)
        names = [name for name in declared if name != "return"]
        assert names == ["services", "caller", "header_key", "body"], names
        model: type[BaseModel] = declared["body"]

        async def handle(request: Request) -> Response:
            said = await _json(request)
            services, caller = await services_of(request), await principal_of(request)
            key = await in_header(request)
            answer: Response = await endpoint(services, caller, key, checked(model, said, "body"))
            return answer

        return handle


async def _json(request: Request) -> Any:
    """Raises RequestValidationError where the body is none, or not in JSON."""
    try:
        raw = await request.body()
    except ClientDisconnect as exc:
        raise HTTPException(400) from exc
    if not raw or not _is_json(request.headers.get("content-type", "")):
        raise RequestValidationError([{"type": "missing", "loc": ("body",), "msg": "Field required"}])
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as exc:
        raise RequestValidationError(
            [{"type": "json_invalid", "loc": ("body",), "msg": "JSON decode error"}]
        ) from exc


@lru_cache(maxsize=100)
def _is_json(content_type: str) -> bool:
    message = Message()
    message["content-type"] = content_type
    subtype = message.get_content_subtype()
    return message.get_content_maintype() == "application" and (
        subtype == "json" or subtype.endswith("+json")
    )
