"""Health, metrics and the key set: the routes that need no token."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from core.errors import Unavailable
from feed_api import rendering
from feed_api.services import Services, Wired

router = APIRouter()

CHECK_TIMEOUT_S = 1.0


@router.get("/health/live", summary="The process runs", response_model=dict[str, str])
async def live() -> Response:
    return Response(rendering.encode({"status": "live"}), media_type="application/json")


@router.get(
    "/health/ready",
    summary="The process can serve",
    response_model=dict[str, str],
    responses={503: {"description": "It cannot; the body says what is away", "model": dict[str, str]}},
)
async def ready(services: Wired) -> Response:
    """Each neighbour by name, `ok` or `away`; 503 where one is away that no answer can do without."""
    states = dict(zip(services.checks, await asyncio.gather(*_checks(services)), strict=True))
    able = all(states[name] == "ok" for name in services.required)
    body = {"status": "ready" if able else "not_ready", **states}
    return Response(rendering.encode(body), status_code=200 if able else 503, media_type="application/json")


@router.get("/metrics", summary="Prometheus metrics", response_class=Response)
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@router.get("/.well-known/jwks.json", summary="The public keys that tokens are verified with")
async def jwks(services: Wired) -> Response:
    return Response(rendering.encode(dict(services.jwks)), media_type="application/json")


def _checks(services: Services) -> list[asyncio.Task[str]]:
    async def state(name: str) -> str:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                await services.checks[name]()
        except (Unavailable, TimeoutError):
            return "away"
        return "ok"

    return [asyncio.ensure_future(state(name)) for name in services.checks]
