"""What every process does alike: logs, signals, the supervisor's lifeline, serving HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, Literal, TextIO, cast

import msgspec
import structlog
import uvicorn
from starlette.types import ASGIApp

from core.errors import ConfigurationError
from wiring.environment import variable_of
from wiring.settings import Settings

GRACEFUL_S = 5
_STDERR = 2
_KEPT_BYTES = 64 * 1024


class LogFile:
    """An open file that log lines go to; a full disk behind it costs lines and not the process.

    The first lines that find no room are kept and written once there is some: they say what happened.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._kept = bytearray()
        self._lock = threading.Lock()

    def write(self, text: str) -> None:
        with self._lock:
            if len(self._kept) < _KEPT_BYTES:
                self._kept += text.encode()
            with contextlib.suppress(OSError):
                while self._kept:
                    # It may take a part of a line; the rest follows before anything else.
                    del self._kept[: os.write(self._descriptor, self._kept)]

    def flush(self) -> None:
        self.write("")


def configure_logging(settings: Settings, role: str) -> None:
    """JSON lines on standard error, each with its process."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(log_line),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[settings.logging.level.upper()]
        ),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, LogFile(_STDERR))),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(role=role, pid=os.getpid())


def log_line(line: Any, **options: Any) -> str:
    """As json.dumps, in a tenth of the time; what msgspec cannot say (half a character) json can."""
    try:
        return msgspec.json.encode(line, enc_hook=options["default"]).decode()
    except (TypeError, ValueError):
        return json.dumps(line, **options)


@asynccontextmanager
async def stopping(lifeline: int | None) -> AsyncIterator[asyncio.Event]:
    """An event that is set by SIGTERM, by SIGINT, and when the supervisor at the other end is gone."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if lifeline is not None:
        # Nothing is ever written to it: readable means closed.
        loop.add_reader(lifeline, stop.set)
    try:
        yield stop
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
        if lifeline is not None:
            loop.remove_reader(lifeline)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Signals are ours: the process drains, flushes and closes after the server has stopped.
        yield


async def serve_http(
    app: ASGIApp, listener: socket.socket, stop: asyncio.Event, *, lifespan: Literal["on", "off"] = "off"
) -> None:
    """Serves until `stop`, or until it is cancelled, then lets requests under way finish."""
    config = uvicorn.Config(
        app,
        http="httptools",
        lifespan=lifespan,
        log_config=None,
        access_log=False,
        server_header=False,
        # Nobody here asks where a request came from.
        proxy_headers=False,
        timeout_graceful_shutdown=GRACEFUL_S,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        server.should_exit = True
        stopped.cancel()
        await serving


def settle_garbage_collection() -> None:
    """What was made at start-up lives on: it need not be looked at again (p95 104 ms became 24)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 picks a free one. Raises OSError where it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.listen(2048)
    return listener


def listen_as(name: str, host: str, port: int) -> socket.socket:
    """As `listen`; ConfigurationError, which names the setting, where it cannot be."""
    try:
        return listen(host, port)
    except OSError as exc:
        raise ConfigurationError(
            f"{name} cannot listen on {host}:{port} ({exc.strerror}): choose another port with "
            f"{variable_of((name, 'port'))}, or 0 for a free one"
        ) from exc


def url_of(listener: socket.socket) -> str:
    """Where this machine reaches it."""
    host, port = listener.getsockname()[:2]
    host = reachable(host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
