"""Ports that can be taken away from outside: while a file of their part's name is there, they are away."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from core.errors import Unavailable
from eventlog.log import OperatedLog
from wiring.resources import Resources, Stores

SWITCHES = "OUTAGE_SWITCHES"
"""The variable that names the directory of the files; no setting of the product."""

PARTS = ("store", "log")


class Switched:
    """Any port: each coroutine method raises Unavailable while its part is switched off."""

    def __init__(self, port: Any, switch: Path) -> None:
        self._port = port
        self._switch = switch

    def __getattr__(self, method: str) -> Any:
        value = getattr(self._port, method)
        if not inspect.iscoroutinefunction(value):
            return value

        async def switched(*arguments: Any, **options: Any) -> Any:
            if self._switch.exists():
                raise Unavailable(f"{self._switch.name} is switched off")
            return await value(*arguments, **options)

        return switched


def switched(resources: Resources, switches: Path) -> Resources:
    """The same resources, with switches before the stores of facts and before the log.

    The control store has none: ids are minted for 15 s more without it, and no test waits for that.
    """
    stores = resources.stores
    store, log = (switches / part for part in PARTS)
    ports: dict[str, Any] = {
        name: Switched(getattr(stores, name), store)
        for name in ("users", "graph", "tweets", "engagements", "answers")
    }
    changed: Stores = replace(stores, **ports, log=cast(OperatedLog, Switched(stores.log, log)))
    return replace(resources, stores=changed)
