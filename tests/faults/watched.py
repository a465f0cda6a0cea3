"""Ports with a trigger around every call; what a process works with cannot tell the difference."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any, cast

from eventlog.log import EventLog
from tests.faults.fault import Trigger
from wiring.resources import Resources, Stores


class Watched:
    """Any port: coroutine methods pass the trigger as `<name>.<method>`, the rest is handed on."""

    def __init__(self, port: Any, name: str, trigger: Trigger) -> None:
        self._port = port
        self._name = name
        self._trigger = trigger

    def __getattr__(self, method: str) -> Any:
        value = getattr(self._port, method)
        if not inspect.iscoroutinefunction(value):
            return value

        async def watched(*arguments: Any, **options: Any) -> Any:
            return await self._trigger.around(f"{self._name}.{method}", lambda: value(*arguments, **options))

        return watched


class WatchedLog(Watched):
    """The log; its subscriptions carry the name of their group."""

    async def subscribe(self, group: str, *arguments: Any, **options: Any) -> Watched:
        return Watched(await self._port.subscribe(group, *arguments, **options), group, self._trigger)


class WatchedRedis(Watched):
    """The Redis client; a pipeline passes the trigger as `pipeline.execute`."""

    def pipeline(self, *arguments: Any, **options: Any) -> WatchedPipeline:
        return WatchedPipeline(self._port.pipeline(*arguments, **options), "pipeline", self._trigger)


class WatchedPipeline(Watched):
    async def __aenter__(self) -> WatchedPipeline:
        await self._port.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._port.__aexit__(*exc)


def watched(resources: Resources, trigger: Trigger | None) -> Resources:
    """The same resources, with the trigger around every port, the log and Redis."""
    if trigger is None:
        return resources
    stores = resources.stores
    ports: dict[str, Any] = {
        name: Watched(getattr(stores, name), name, trigger)
        for name in ("users", "graph", "tweets", "engagements", "answers", "control")
    }
    log = cast(EventLog, WatchedLog(stores.log, "log", trigger))
    redis = cast(Any, WatchedRedis(resources.redis, "redis", trigger))
    return replace(resources, stores=Stores(**ports, log=log), redis=redis)
