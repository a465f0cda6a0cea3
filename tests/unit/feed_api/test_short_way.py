"""Hot routes are found by method and address; whatever differs goes on to the router."""

from __future__ import annotations

import httpx
import pytest
from fastapi import APIRouter, Request, Response
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from core.errors import InputError, InvalidField, NotFound, Unavailable
from feed_api.direct_route import DirectRoute
from feed_api.short_way import ShortWay


class Direct(DirectRoute):
    """Calls its endpoint with the request alone."""

    def get_route_handler(self):  # type: ignore[no-untyped-def]  # as its parent says
        return self.endpoint


async def hot(request: Request) -> Response:
    match request.query_params.get("raises"):
        case "field":
            raise InvalidField("no", field="f")
        case "unknown":
            raise NotFound("none", field="f")
        case "away":
            raise Unavailable("gone")
        case "bug":
            raise RuntimeError("a bug of ours")
    return PlainTextResponse(f"short {request.scope['route'].path}")


async def router(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("router")(scope, receive, send)


async def input_error(request: Request, error: Exception) -> Response:
    return PlainTextResponse(f"input {error}", 400)


async def unknown(request: Request, error: Exception) -> Response:
    return PlainTextResponse("unknown", 404)


@pytest.fixture
def http() -> httpx.AsyncClient:
    routes = APIRouter(route_class=Direct)
    routes.add_api_route("/hot", hot, methods=["GET"])
    direct = [route for route in routes.routes if isinstance(route, DirectRoute)]
    app = ShortWay(router, direct, {InputError: input_error, NotFound: unknown})
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def test_only_what_is_asked_exactly_so_goes_the_short_way(http: httpx.AsyncClient) -> None:
    assert (await http.get("/hot")).text == "short /hot"
    assert (await http.get("/hot?a=b")).text == "short /hot"
    for method, path in (("POST", "/hot"), ("GET", "/hot/"), ("GET", "/Hot"), ("GET", "/"), ("PUT", "/hot")):
        answer = await http.request(method, path)
        assert answer.text == "router", (method, path)


async def test_an_error_is_answered_by_the_nearest_of_its_classes(http: httpx.AsyncClient) -> None:
    assert (await http.get("/hot?raises=field")).status_code == 400
    assert (await http.get("/hot?raises=unknown")).text == "unknown"


@pytest.mark.parametrize(("raises", "error"), [("away", Unavailable), ("bug", RuntimeError)])
async def test_what_nobody_answers_goes_on(
    raises: str, error: type[Exception], http: httpx.AsyncClient
) -> None:
    with pytest.raises(error):
        await http.get(f"/hot?raises={raises}")
