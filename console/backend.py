"""What the pages work with: the stack's own stores and code, opened by whoever starts the console."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from console.vitals import Vitals
from core.clock import Clock
from eventlog.log import OperatedLog
from ranking.explain import Explainer
from ranking.objectives import Objectives
from ranking.registry import Registry
from stores.ports import GraphStore, UserStore
from stores.redis_client import RedisClient


@dataclass(frozen=True, slots=True)
class Backend:
    """`registry` and `objectives` change things in the console's name. `models` has every bundle; `vitals`
    are kept while the console runs.
    """

    clock: Clock
    users: UserStore
    explainer: Explainer
    graph: GraphStore
    redis: RedisClient
    log: OperatedLog
    registry: Registry
    models: Path
    objectives: Objectives
    vitals: Vitals
