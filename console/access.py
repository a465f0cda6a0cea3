"""Who may open the console. Without a password this machine alone; with one, whoever knows it.

A browser takes pages of others along: one of those could speak to what listens on the loopback. So a
request has to name this console as its host (against names that were pointed here), and what says where it
comes from has to come from the console itself.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import ipaddress
import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

COOKIE = "rankfeed_console"
PROXIED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
"""What a proxy says of those it speaks for."""
GUESSING = 8
"""So many who say a password wait for each other; more are sent away at once."""


@dataclass(frozen=True, slots=True)
class Access:
    """`host` is what the console listens on; with a password it may be asked for by any name."""

    host: str
    password: str | None
    pause_s: float = 0.5
    """After a wrong password: who guesses waits, and whoever guesses beside them too."""
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))


class Guarded:
    """An application behind its door; websockets, too."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access
        password = (access.password or "").encode()
        # A browser that gave the password shows this instead: not every one sends it with a websocket.
        self._ticket = hmac.new(access.secret, password, hashlib.sha256).hexdigest()
        self._one_guess = asyncio.Lock()
        self._guessing = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        send = _unframed(send)
        headers = Headers(scope=scope)
        if (refusal := self._foreign(headers)) is not None:
            await _refuse(scope, receive, send, PlainTextResponse(refusal, 403))
        elif self._access.password is None or self._has_ticket(headers):
            await self._app(scope, receive, send)
        elif "authorization" in headers and self._guessing >= GUESSING:
            words = "too many are trying passwords just now: try again in a few seconds"
            await _refuse(scope, receive, send, PlainTextResponse(words, 429))
        elif await self._knows(headers):
            await self._app(scope, receive, self._with_ticket(headers, send))
        else:
            asks = {"WWW-Authenticate": 'Basic realm="rankfeed console", charset="UTF-8"'}
            words = "the console's password, please (RANKFEED_CONSOLE_PASSWORD); any name will do"
            await _refuse(scope, receive, send, PlainTextResponse(words, 401, asks))

    async def _knows(self, headers: Headers) -> bool:
        """Whether it says the password. One after the other: what is wrong takes its time before the next is
        looked at, over however many connections they come. Who has a ticket waits for none of them."""
        if "authorization" not in headers:
            return False
        self._guessing += 1
        try:
            async with self._one_guess:
                right = self._has_password(headers)
                if not right:
                    await asyncio.sleep(self._access.pause_s)
                return right
        finally:
            self._guessing -= 1

    def _foreign(self, headers: Headers) -> str | None:
        """Why the request is not from this console's own pages."""
        host, origin = headers.get("host", ""), headers.get("origin")
        try:
            name = urlsplit(f"//{host}").hostname or ""
            foreign = origin is not None and urlsplit(origin).netloc != host
        except ValueError:
            return "no address has such a Host or Origin: open the console by 127.0.0.1"
        if self._access.password is None:
            if not (name == self._access.host or is_loopback(name)):
                return f"this console answers this machine alone, and not as '{name}': open it by 127.0.0.1"
            if any(one in headers for one in PROXIED):
                return (
                    "this came by a proxy, and without a password the console answers this machine alone: "
                    "set RANKFEED_CONSOLE_PASSWORD to 12 characters or more and start it again"
                )
        return f"a page of {origin} may not speak to this console" if foreign else None

    def _has_ticket(self, headers: Headers) -> bool:
        try:
            ticket = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return ticket is not None and hmac.compare_digest(ticket.value.encode(), self._ticket.encode())

    def _has_password(self, headers: Headers) -> bool:
        kind, _, credentials = headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            return False
        try:
            said = base64.b64decode(credentials, validate=True).partition(b":")[2]
        except binascii.Error:
            return False
        return hmac.compare_digest(said, (self._access.password or "").encode())

    def _with_ticket(self, headers: Headers, send: Send) -> Send:
        # The console speaks no TLS: a proxy in front of it says so. Who lies harms a cookie of their own.
        secure = "; Secure" if headers.get("x-forwarded-proto") == "https" else ""
        cookie = f"{COOKIE}={self._ticket}; Path=/; HttpOnly; SameSite=Strict{secure}"
        return _with_header(send, b"set-cookie", cookie.encode())


def _unframed(send: Send) -> Send:
    """No page of somebody else's shows ours within itself, under what it lets people click on."""
    return _with_header(send, b"content-security-policy", b"frame-ancestors 'none'")


def _with_header(send: Send, name: bytes, value: bytes) -> Send:
    async def headed(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (name, value)]
        await send(message)

    return headed


def is_loopback(host: str) -> bool:
    """Whether an address or a name means this machine and no other."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _refuse(scope: Scope, receive: Receive, send: Send, response: PlainTextResponse) -> None:
    if scope["type"] == "websocket":
        await WebSocketClose(1008, "refused")(scope, receive, send)
    else:
        await response(scope, receive, send)
