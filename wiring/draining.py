"""Waiting until the consumers have caught up with the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from core.clock import Clock
from core.errors import ConfigurationError
from eventlog.log import EventLog
from eventlog.schema import EDGES, GRAPH, SERVED, TWEETS, VIEWS

GROUPS: Mapping[str, tuple[str, ...]] = {
    "fanout": (TWEETS, GRAPH),
    "features": (VIEWS, EDGES, TWEETS, GRAPH),
    "lake": (TWEETS, GRAPH, EDGES, VIEWS, SERVED),
    "tweet_state": (EDGES, TWEETS),
}
STUCK_S = 60.0
_LOOK_EVERY_S = 0.1
_SAY_EVERY_S = 2.0


async def await_drained(log: EventLog, clock: Clock, say: Callable[[str], None]) -> None:
    """Returns once every group has committed everything; raises ConfigurationError where none moves."""
    told_s = moved_s = clock.monotonic_s()
    before: dict[str, int] = {}
    while True:
        behind = {group: sum((await log.lag(group, topics)).values()) for group, topics in GROUPS.items()}
        now_s = clock.monotonic_s()
        if not any(behind.values()):
            return
        if behind != before:
            before, moved_s = behind, now_s
        if now_s - moved_s > STUCK_S:
            raise ConfigurationError(f"the consumers do not move: {_waiting(behind)}. Their logs say why.")
        if now_s - told_s > _SAY_EVERY_S:
            told_s = now_s
            say(f"events still to be consumed: {_waiting(behind)}")
        await asyncio.sleep(_LOOK_EVERY_S)


def _waiting(behind: Mapping[str, int]) -> str:
    return ", ".join(f"{group} {count:,}" for group, count in behind.items() if count)
