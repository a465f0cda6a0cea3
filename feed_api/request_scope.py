"""Around every request: its id, its timings, its log line, its metrics, and the last word on errors."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from functools import lru_cache

import structlog
from prometheus_client import Counter, Histogram
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.clock import Clock
from core.ids import uuid7
from core.timings import Timings

REQUESTS = Counter("rankfeed_http_requests_total", "Requests answered", ["route", "method", "status"])
BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5)
LATENCY = Histogram(
    "rankfeed_http_request_seconds",
    "From the request's arrival to the end of its answer",
    ["route"],
    buckets=BUCKETS_S,
)
UNMATCHED = "unmatched"
_NEVER_REFUSED = ("/health/", "/metrics")

_logger = structlog.get_logger("http")
_request_id: ContextVar[uuid.UUID | None] = ContextVar("request_id", default=None)
_timings: ContextVar[Timings | None] = ContextVar("timings", default=None)


def current_request_id() -> str:
    request_id = _request_id.get()
    return "" if request_id is None else str(request_id)


def request_id() -> uuid.UUID:
    """The id of the request being served; only inside one."""
    value = _request_id.get()
    assert value is not None, "outside a request"
    return value


def timings() -> Timings:
    """The timings of the request being served; only inside one."""
    value = _timings.get()
    assert value is not None, "outside a request"
    return value


class RequestScope:
    """ASGI middleware around every request.

    The body's limit is enforced while it is read, whatever its header claims. Above
    `max_concurrent` requests under way a further one is turned away at once: waiting behind them it
    would outlive its deadline. Health and metrics are never turned away.
    """

    def __init__(
        self,
        app: ASGIApp,
        clock: Clock,
        randomness: random.Random,
        max_body_bytes: int,
        max_concurrent: int,
        overloaded: Callable[[], ASGIApp],
        failed: Callable[[], ASGIApp],
    ) -> None:
        self._app = app
        self._clock = clock
        self._random = randomness
        self._max_body_bytes = max_body_bytes
        self._max_concurrent = max_concurrent
        self._overloaded = overloaded
        self._failed = failed
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s = self._clock.monotonic_s()
        request_uuid = uuid7(self._clock.now_ms(), self._random.getrandbits(74))
        request_timings = Timings(self._clock)
        _request_id.set(request_uuid)
        _timings.set(request_timings)
        request_id = str(request_uuid)
        structlog.contextvars.bind_contextvars(request_id=request_id)
        status = 0

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                total = ("total", (self._clock.monotonic_s() - began_s) * 1000)
                told = [f"{name};dur={ms:.2f}" for name, ms in [*request_timings.items(), total]]
                told += [f'items-{name};desc="{n}"' for name, n in request_timings.counts()]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    (b"server-timing", ", ".join(told).encode()),
                ]
            await send(message)

        self._under_way += 1
        try:
            if self._under_way > self._max_concurrent and not scope["path"].startswith(_NEVER_REFUSED):
                await self._overloaded()(scope, receive, send_marked)
            else:
                await self._app(scope, bounded(receive, self._max_body_bytes), send_marked)
        except Exception as exc:  # the HTTP boundary: nothing may reach the client but a problem
            if status:
                raise
            _logger.error("request_failed", path=scope["path"], exc_info=exc)
            await self._failed()(scope, receive, send_marked)
        finally:
            self._under_way -= 1
            self._account(scope, status, self._clock.monotonic_s() - began_s)

    def _account(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", UNMATCHED)
        requests, latency = _metrics(route, scope["method"], status)
        requests.inc()
        latency.observe(seconds)
        _logger.info(
            "request", method=scope["method"], route=route, status=status, ms=round(seconds * 1000, 2)
        )


@lru_cache(maxsize=1_000)
def _metrics(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    """To find them costs more than to count."""
    return REQUESTS.labels(route, method, str(status)), LATENCY.labels(route)


class BodyLimitExceeded(HTTPException):
    """An HTTPException, because FastAPI hands only those through while it reads a body."""

    def __init__(self, limit: int) -> None:
        super().__init__(413)
        self.limit = limit


def bounded(receive: Receive, limit: int) -> Receive:
    """Hands a body on until it is larger than allowed, whatever its header declares."""
    left = limit

    async def receive_bounded() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise BodyLimitExceeded(limit)
        return message

    return receive_bounded
