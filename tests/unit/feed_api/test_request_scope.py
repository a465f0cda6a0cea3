"""Requests beyond the limit are turned away at once; health never is; what escapes is a problem."""

from __future__ import annotations

import asyncio
import random

import httpx
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from feed_api import problems
from feed_api.request_scope import RequestScope, timings
from tests.fakes import FakeClock


class Gate:
    """Answers nothing under /v1 until it is opened."""

    def __init__(self, expected: int = 0) -> None:
        self.open = asyncio.Event()
        self.full = asyncio.Event()
        self._expected = expected

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._expected -= 1
        if not self._expected:
            self.full.set()
        if scope["path"].startswith("/v1"):
            await self.open.wait()
        if scope["path"] == "/v1/broken":
            raise RuntimeError("secret detail")
        with timings().measure("muted"):
            timings().count("muted", 187)
        await PlainTextResponse("through")(scope, receive, send)


def client_of(gate: Gate, max_concurrent: int) -> httpx.AsyncClient:
    app = RequestScope(
        gate,
        clock=FakeClock(),
        randomness=random.Random(1),
        max_body_bytes=1024,
        max_concurrent=max_concurrent,
        overloaded=lambda: problems.overloaded_problem(random.Random(1)),
        failed=problems.internal_problem,
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def test_beyond_the_limit_a_request_is_told_to_come_again() -> None:
    gate = Gate(expected=3)
    async with client_of(gate, 3) as http:
        waiting = [asyncio.create_task(http.get("/v1/feed")) for _ in range(3)]
        await gate.full.wait()
        refused = await http.get("/v1/feed")
        assert refused.status_code == 503
        assert refused.json()["code"] == "overloaded"
        assert refused.headers["Retry-After"]
        assert (await http.get("/health/live")).status_code == 200
        assert (await http.get("/metrics")).status_code == 200
        gate.open.set()
        assert [answer.status_code for answer in await asyncio.gather(*waiting)] == [200, 200, 200]
        assert (await http.get("/v1/feed")).status_code == 200


async def test_what_escapes_is_a_problem_without_its_detail() -> None:
    gate = Gate()
    gate.open.set()
    async with client_of(gate, 1) as http:
        for _ in range(3):
            answer = await http.get("/v1/broken")
            assert answer.status_code == 500
            assert answer.json()["code"] == "internal"
            assert answer.json()["request_id"] == answer.headers["X-Request-Id"]
            assert "secret" not in answer.text


async def test_an_answer_says_how_long_each_stage_took_and_what_was_left_after_it() -> None:
    gate = Gate()
    gate.open.set()
    async with client_of(gate, 1) as http:
        answer = await http.get("/v1/feed")
    assert answer.headers["Server-Timing"] == 'muted;dur=0.00, total;dur=0.00, items-muted;desc="187"'
