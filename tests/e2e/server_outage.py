"""A server that is away: all its nodes stopped, and going on where they were; and when it is back."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from core.errors import Unavailable
from eventlog.kafka_log import KafkaEventLog
from eventlog.schema import GRAPH, TWEETS
from wiring.distributed import kafka_options
from wiring.servers.cluster import LocalCluster
from wiring.settings import Settings

PATIENCE_S = 60.0


@contextmanager
def stopped(cluster: LocalCluster) -> Iterator[None]:
    """SIGSTOP to every node: connections stay open and nobody answers. SIGCONT ends it."""
    nodes = cluster.running()
    assert nodes, "nothing runs that could be stopped"
    try:
        for node in nodes:
            cluster.node(node.index).signal(signal.SIGSTOP)
        yield
    finally:
        for node in nodes:
            cluster.node(node.index).signal(signal.SIGCONT)


async def kafka_is_back(settings: Settings) -> float:
    """Waits until every partition of the facts has a leader that answers; when that was, monotonic.

    A broker that was stopped for longer than its session is fenced when it goes on, and takes seconds
    to serve again, whoever its clients are.
    """
    options = replace(kafka_options(settings), call_timeout_s=2.0, request_timeout_ms=1_000)
    end_s = time.monotonic() + PATIENCE_S
    while True:
        # A client that knows nothing of the outage.
        async with KafkaEventLog(options) as log:
            try:
                await log.ends([TWEETS, GRAPH])
                return time.monotonic()
            except Unavailable as exc:
                if time.monotonic() > end_s:
                    raise AssertionError(f"Kafka is not back: {exc}") from exc
