"""Requests to an application in this process: no socket, no parser, everything else as it is."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
from starlette.types import ASGIApp, Message


class Answer(NamedTuple):
    """Of status 0 where there was none: the process died."""

    status: int
    body: bytes

    def json(self) -> Any:
        return msgspec.json.Decoder().decode(self.body)


NO_ANSWER = Answer(0, b"")


async def request(
    app: ASGIApp,
    method: str,
    path: str,
    *,
    user: int,
    query: dict[str, str] | None = None,
    json: dict[str, object] | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """The answer, once everything that the request began has ended."""
    body = b"" if json is None else msgspec.json.encode(json)
    sent = {"authorization": f"Bearer {user}", "content-type": "application/json"} | (headers or {})
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": urlencode(query or {}).encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    given = False
    status, parts = 0, []

    async def receive() -> Message:
        nonlocal given
        if given:
            return {"type": "http.disconnect"}
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return Answer(status, b"".join(parts))
