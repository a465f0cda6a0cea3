"""Noticing that no broker answers: the driver itself goes on trying without a word."""

from __future__ import annotations

from collections.abc import Iterable

from core.errors import Unavailable
from eventlog.kafka_options import KafkaOptions


class Silence:
    """How long a consumer has waited in vain; time in which it did not ask does not count."""

    def __init__(self, options: KafkaOptions, group: str) -> None:
        self._options = options
        self._group = group
        self._waited_s = 0.0
        self._heard_ms = 0

    def waited(self, seconds: float, stamps: Iterable[int | None]) -> None:
        """Notes a wait, after which the partitions were last heard of at `stamps`; may raise Unavailable."""
        heard_ms = max((stamp for stamp in stamps if stamp is not None), default=0)
        if heard_ms != self._heard_ms:
            self._heard_ms = heard_ms
            self._waited_s = 0.0
            return
        limit_s = self._options.silence_s
        self._count(seconds, limit_s, f"no broker has answered group {self._group} for {limit_s:.0f} s")

    def waited_for_partitions(self, seconds: float) -> None:
        """Notes a wait for a rebalance to end, which may take as long as others have a batch under way."""
        limit_s = self._options.drain_timeout_s + self._options.call_timeout_s
        self._count(seconds, limit_s, f"group {self._group} waits in vain for its partitions")

    def _count(self, seconds: float, limit_s: float, message: str) -> None:
        self._waited_s += seconds
        if self._waited_s >= limit_s:
            self._waited_s = 0.0
            raise Unavailable(message)
