"""What a process works with, with a trigger around every call; nobody in it can tell the difference.

Points are called `<port>.<method>` for ports and files, `<group>.<method>` for a subscription of the
log, `<table>.<verb>` for a statement on Cassandra, `publication.append` for what comes out of its
outbox, `redis.<command>` for commands of Redis that go out together, by the first of them
(`redis.tombstone` for a SET of a tweet over whatever is there), and `script.<name>` for a script.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast

from eventlog.log import Entry, EventLog, Looked
from tests.faults.fault import Trigger
from tests.faults.watched_redis import WatchedRedis
from wiring.resources import Resources

Log = TypeVar("Log", bound=EventLog)


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

    async def subscribe(self, group: str, *arguments: Any, **options: Any) -> WatchedSubscription:
        inner = await self._port.subscribe(group, *arguments, **options)
        return WatchedSubscription(inner, group, self._trigger)


class WatchedSubscription(Watched):
    async def poll(self, **options: Any) -> Sequence[Entry]:
        """Only a poll that gave something has an end that matters."""
        self._trigger.before(f"{self._name}.poll")
        entries: Sequence[Entry] = await self._port.poll(**options)
        if entries:
            self._trigger.after(f"{self._name}.poll")
        return entries

    async def look(self, **options: Any) -> Looked:
        """As `poll`, whose point it is."""
        self._trigger.before(f"{self._name}.poll")
        looked: Looked = await self._port.look(**options)
        if looked.by_lane:
            self._trigger.after(f"{self._name}.poll")
        return looked


def watched_log(log: Log, name: str, trigger: Trigger) -> Log:
    return cast(Log, WatchedLog(log, name, trigger))


def watched(resources: Resources, trigger: Trigger | None) -> Resources:
    """The same resources, with the trigger around every port, the log and Redis."""
    if trigger is None:
        return resources
    stores = resources.stores
    ports: dict[str, Any] = {
        name: Watched(getattr(stores, name), name, trigger)
        for name in ("users", "graph", "tweets", "engagements", "answers", "control")
    }
    log = watched_log(stores.log, "log", trigger)
    redis = WatchedRedis(resources.redis, trigger)
    return replace(resources, stores=replace(stores, **ports, log=log), redis=redis)
