"""The stage runner: every stage has a name, a deadline and a way to fail, and is measured.

A stage that fails open is left out and the feed goes on without it; one that fails closed ends
the attempt. What a neighbour does wrong (Unavailable, too slow) is a failure of the stage; what
our own code does wrong always surfaces.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeVar

import structlog
from prometheus_client import Counter, Histogram

from core.errors import Unavailable
from ranking.query import FeedQuery

T = TypeVar("T")

DURATION = Histogram(
    "rankfeed_stage_seconds",
    "Time spent in a stage of the feed",
    ["stage"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
)
FAILURES = Counter(
    "rankfeed_stage_failures_total", "Stages that failed or were too slow", ["stage", "reason"]
)
ITEMS = Counter("rankfeed_stage_items_total", "Candidates and items that a stage handed on", ["stage"])
_logger = structlog.get_logger("stages")


@dataclass(frozen=True, slots=True)
class Stage:
    """`deadline_ms` bounds the stage by itself; the request's own deadline bounds it as well."""

    name: str
    deadline_ms: float
    on_failure: Literal["open", "closed"]


class StageFailed(Unavailable):
    """A stage that fails closed did. `reason` is for `meta`, short and stable."""

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(f"{stage}: {reason}")
        self.stage = stage
        self.reason = reason


async def run_stage(stage: Stage, query: FeedQuery, work: Callable[[], Awaitable[T]]) -> T | None:
    """The stage's result; None where it failed open. Raises StageFailed where it failed closed."""
    with query.timings.measure(stage.name, _duration(stage.name)):
        cause: Exception
        try:
            # Not wait_for: that makes a task of every stage.
            async with asyncio.timeout(query.deadline.remaining_s(stage.deadline_ms)):
                return await work()
        except TimeoutError as exc:
            reason, cause = slow(stage), exc
        except StageFailed as exc:
            reason, cause = exc.reason, exc
        except Unavailable as exc:
            reason, cause = f"{stage.name}_unavailable", exc
    FAILURES.labels(stage.name, reason).inc()
    _logger.warning(
        "stage_failed", stage=stage.name, reason=reason, error=str(cause), policy=stage.on_failure
    )
    if stage.on_failure == "closed":
        raise StageFailed(stage.name, reason) from cause
    return None


def slow(stage: Stage) -> str:
    """The reason of a stage whose time was over."""
    return f"{stage.name}_slow"


def count_items(query: FeedQuery, stage: str, n: int) -> None:
    """What a stage handed on: for metrics and Server-Timing."""
    _items(stage).inc(n)
    query.timings.count(stage, n)


@cache
def _items(stage: str) -> Counter:
    return ITEMS.labels(stage)


@cache
def _duration(stage: str) -> Histogram:
    return DURATION.labels(stage)
