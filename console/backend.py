"""What the pages work with: the stack's own stores and code, opened by whoever starts the console."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from console.vitals import Vitals
from core.clock import Clock
from ranking.explain import Explainer
from ranking.registry import Registry
from stores.ports import UserStore


@dataclass(frozen=True, slots=True)
class Backend:
    """`registry` promotes and rolls back in the console's name, and nothing else here changes anything.
    `models` is the directory of all bundles; `vitals` are kept while the console runs.
    """

    clock: Clock
    users: UserStore
    explainer: Explainer
    registry: Registry
    models: Path
    vitals: Vitals
