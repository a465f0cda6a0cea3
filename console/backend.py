"""What the pages work with: the stack's own stores and code, opened by whoever starts the console."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.clock import Clock
from eventlog.log import OperatedLog
from ranking.explain import Explainer
from ranking.objectives import Objectives
from ranking.registry import Registry
from stores.ports import GraphStore, UserStore
from stores.redis_client import RedisClient


@dataclass(frozen=True, slots=True)
class Backend:
    """`registry` and `objectives` change things in the console's name. `metrics_urls` has the address of
    each role's metrics (`api`, `fanout`, `pipelines`), empty where the stack is not known to run.
    """

    clock: Clock
    users: UserStore
    explainer: Explainer
    graph: GraphStore
    redis: RedisClient
    log: OperatedLog
    registry: Registry
    objectives: Objectives
    metrics_urls: Callable[[], Mapping[str, str]]
