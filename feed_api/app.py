"""The application, made from its services; nothing is made at import."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import FastAPI

from feed_api import problems
from feed_api.direct_route import DirectRoute
from feed_api.request_scope import RequestScope
from feed_api.routes import (
    events,
    feed,
    follows,
    health,
    hiding,
    likes,
    posts,
    profiles,
    tweets,
    user_tweets,
    users,
)
from feed_api.services import Services
from feed_api.short_way import ShortWay

ROUTES = (feed, posts, tweets, likes, profiles, users, user_tweets, follows, hiding, events, health)
"""The modules whose routers make up the API."""

_ERRORS: dict[int | str, dict[str, Any]] = {
    # Not as `model`: FastAPI would describe it as application/json.
    status: {
        "description": description,
        "content": {problems.MEDIA_TYPE: {"schema": problems.Problem.model_json_schema()}},
    }
    for status, description in {
        400: "The body, an id or the cursor cannot be read",
        401: "A valid token is needed",
        403: "The token does not allow this",
        404: "Not found",
        409: "It is taken",
        410: "It was here and was deleted",
        413: "The body is too large",
        422: "A field has a value that is not allowed",
        429: "Too many requests of this class; `Retry-After` says when one will do",
        503: "A neighbour is away; try again",
    }.items()
}


def create_app(services: Services) -> FastAPI:
    app = FastAPI(
        title="rankfeed",
        summary="A home feed, ranked by machine learning",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=_ERRORS,
    )
    app.state.services = services
    errors = problems.handlers(services.randomness)
    for error, handler in errors.items():
        app.add_exception_handler(error, handler)
    routes = [route for module in ROUTES for route in module.router.routes]
    app.add_middleware(
        ShortWay, routes=[route for route in routes if isinstance(route, DirectRoute)], errors=errors
    )
    app.add_middleware(
        RequestScope,
        clock=services.clock,
        randomness=services.randomness,
        max_body_bytes=services.options.max_body_bytes,
        max_concurrent=services.options.max_concurrent_requests,
        overloaded=partial(problems.overloaded_problem, services.randomness),
        failed=problems.internal_problem,
    )
    for module in ROUTES:
        app.include_router(module.router)
    return app
