"""The short way to the routes that are asked most: by method and address, with nothing in between.

What FastAPI puts around a route (the search for it, stacks of things to close, the translation of errors)
is a tenth of what a feed costs. The routes stand in its router all the same, which documents them, and
answers whatever differs from them by a letter.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from fastapi import Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from feed_api.direct_route import DirectRoute
from feed_api.problems import ErrorHandlers

Handler = Callable[[Request], Awaitable[Response]]


class ShortWay:
    """ASGI middleware; `errors` are what becomes of a route's exceptions, as the router has it."""

    def __init__(self, app: ASGIApp, routes: Iterable[DirectRoute], errors: ErrorHandlers) -> None:
        self._app = app
        self._routes: dict[tuple[str, str], tuple[DirectRoute, Handler]] = {}
        for route in routes:
            assert "{" not in route.path, "an address with parameters is for the router"
            handler = route.get_route_handler()
            self._routes |= {(method, route.path): (route, handler) for method in route.methods or ()}
        self._errors = errors
        self._answered = tuple(errors)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._routes.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        scope["route"], handler = found
        request = Request(scope, receive)
        try:
            response = await handler(request)
        except self._answered as exc:
            response = await self._answer_to(request, exc)
        await response(scope, receive, send)

    async def _answer_to(self, request: Request, error: Exception) -> Response:
        """By the nearest of its classes."""
        handle = next(self._errors[one] for one in type(error).__mro__ if one in self._errors)
        return await handle(request, error)
