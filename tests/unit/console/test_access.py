"""The console's door: this machine alone without a password, and with one whoever knows it."""

from __future__ import annotations

import asyncio
import base64

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message
from starlette.websockets import WebSocket

from console.access import COOKIE, GUESSING, Access, Guarded

PASSWORD = "correct horse battery"


async def page(request: Request) -> PlainTextResponse:
    return PlainTextResponse("inside")


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


def guarded(password: str | None = None) -> Guarded:
    app = Starlette(routes=[Route("/", page), WebSocketRoute("/socket", socket)])
    return Guarded(app, Access("127.0.0.1", password, pause_s=0.0))


def client(password: str | None = None, host: str = "127.0.0.1:8000") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(guarded(password))
    return httpx.AsyncClient(transport=transport, base_url=f"http://{host}")


async def websocket(door: Guarded, **headers: str) -> str:
    """What the other end hears first."""
    said: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        said.append(message)

    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await door({"type": "websocket", "path": "/socket", "headers": raw}, receive, send)
    return str(said[0]["type"])


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"me:{password}".encode()).decode()}


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "127.0.0.1"])
async def test_this_machine_comes_in(host: str) -> None:
    async with client(host=host) as http:
        assert (await http.get("/")).text == "inside"
        own = await http.get("/", headers={"Origin": f"http://{host}"})
        assert own.text == "inside"
        assert own.headers["Content-Security-Policy"] == "frame-ancestors 'none'"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.168.0.1"])
async def test_a_name_that_was_pointed_here_does_not(host: str) -> None:
    async with client(host=host) as http:
        answer = await http.get("/")
    assert answer.status_code == 403
    assert "open it by 127.0.0.1" in answer.text


@pytest.mark.parametrize("password", [None, PASSWORD])
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:8001"])
async def test_a_page_of_others_may_not_speak_to_it(origin: str, password: str | None) -> None:
    async with client(password) as http:
        headers = {"Origin": origin, **basic(PASSWORD)}
        assert (await http.get("/", headers=headers)).status_code == 403
    said = await websocket(guarded(password), Host="127.0.0.1:8000", **headers)
    assert said == "websocket.close"


@pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host"])
async def test_what_a_proxy_hands_on_needs_a_password(name: str) -> None:
    async with client() as http:
        answer = await http.get("/", headers={name: "192.0.2.1"})
    assert answer.status_code == 403
    assert "set RANKFEED_CONSOLE_PASSWORD" in answer.text
    assert await websocket(guarded(), Host="127.0.0.1:8000", **{name: "192.0.2.1"}) == "websocket.close"
    async with client(PASSWORD) as http:
        assert (await http.get("/", headers={name: "192.0.2.1", **basic(PASSWORD)})).text == "inside"


@pytest.mark.parametrize("password", [None, PASSWORD])
@pytest.mark.parametrize("headers", [{"Host": "["}, {"Origin": "http://["}, {"Host": "[::x]:1"}])
async def test_what_is_no_address_is_refused(headers: dict[str, str], password: str | None) -> None:
    async with client(password) as http:
        assert (await http.get("/", headers={**basic(PASSWORD), **headers})).status_code == 403


async def test_passwords_are_tried_one_after_the_other() -> None:
    app = Starlette(routes=[Route("/", page)])
    door = Guarded(app, Access("127.0.0.1", PASSWORD, pause_s=3_600.0))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://x") as http:
        async with asyncio.TaskGroup() as tasks:
            wrong = [
                tasks.create_task(http.get("/", headers=basic(f"wrong {n}"))) for n in range(GUESSING - 1)
            ]
            right = tasks.create_task(http.get("/", headers=basic(PASSWORD)))
            for _ in range(20):
                await asyncio.sleep(0)
            # It is right, and not its turn yet.
            assert not any(one.done() for one in (*wrong, right))
            assert (await http.get("/", headers=basic(PASSWORD))).status_code == 429
            for one in wrong:
                one.cancel()
        assert right.result().text == "inside"
        # Whoever waits for nobody any more leaves room.
        assert (await http.get("/")).text == "inside"


@pytest.mark.parametrize(("scheme", "secure"), [("https", True), ("http", False)])
async def test_behind_tls_the_ticket_is_for_tls_alone(scheme: str, secure: bool) -> None:
    async with client(PASSWORD) as http:
        answer = await http.get("/", headers={"X-Forwarded-Proto": scheme, **basic(PASSWORD)})
    assert ("; Secure" in answer.headers["Set-Cookie"]) is secure


async def test_who_knows_the_password_comes_in_by_any_name_and_stays() -> None:
    async with client(PASSWORD, host="console.example") as http:
        asked = await http.get("/")
        assert asked.status_code == 401
        assert asked.headers["WWW-Authenticate"].startswith("Basic ")
        assert "RANKFEED_CONSOLE_PASSWORD" in asked.text
        assert (await http.get("/", headers=basic("wrong"))).status_code == 401
        assert (await http.get("/", headers={"Authorization": "Basic ???"})).status_code == 401
        assert (await http.get("/", headers={"Cookie": f"{COOKIE}=0000"})).status_code == 401
        assert (await http.get("/", headers=basic(PASSWORD))).text == "inside"
        # From here on by what it was given.
        assert (await http.get("/")).text == "inside"


async def test_a_websocket_needs_the_same() -> None:
    door = guarded(PASSWORD)
    assert await websocket(door, Host="x", **basic("wrong")) == "websocket.close"
    assert await websocket(door, Host="x", **basic(PASSWORD)) == "websocket.accept"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://x") as http:
        cookie = (await http.get("/", headers=basic(PASSWORD))).headers["Set-Cookie"].partition(";")[0]
    assert await websocket(door, Host="x", Cookie=cookie) == "websocket.accept"
    assert await websocket(guarded(PASSWORD), Host="x", Cookie=cookie) == "websocket.close"
