"""Commits for a handler whose effects are made some time after it was given their events.

Stands between the worker and its subscription. What the worker has handled is committed no further
than the effects have come, so that a crash has the rest given again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog

from core.errors import Unavailable
from eventlog.log import Entry, EventLog, Offsets, Subscription, TopicPartition
from stores.ports import OutboxRecord

_logger = structlog.get_logger("late_commits")


class LateEffects(Protocol):
    def done(self, handled: Offsets) -> Offsets:
        """How far each of these partitions may be committed: below the first entry that still waits."""
        ...

    async def finish(self) -> None:
        """Makes what still waits, now. Raises Unavailable where that cannot be."""
        ...


class LateCommitLog:
    """The log, for one group whose effects are late."""

    def __init__(self, log: EventLog, effects: LateEffects) -> None:
        self._log = log
        self._effects = effects

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        await self._log.append(records)

    async def subscribe(
        self, group: str, topics: Sequence[str], *, start: Offsets | None = None
    ) -> Subscription:
        return LateCommits(await self._log.subscribe(group, topics, start=start), self._effects)

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[str, int]:
        return await self._log.lag(group, topics)


class LateCommits:
    """A Subscription; each poll first commits what has been done since the last one."""

    def __init__(self, subscription: Subscription, effects: LateEffects) -> None:
        self._subscription = subscription
        self._effects = effects
        self._handled: dict[TopicPartition, int] = {}
        self._told: dict[TopicPartition, int] = {}

    async def poll(self, *, max_entries: int, timeout_s: float) -> Sequence[Entry]:
        await self._commit_done()
        return await self._subscription.poll(max_entries=max_entries, timeout_s=timeout_s)

    async def commit(self, offsets: Offsets) -> None:
        """Notes that these were handled; the log is told once their effects are made."""
        self._handled |= offsets
        for tp in offsets:
            # What was given again is committed again: a group that is divided anew waits for that.
            self._told.pop(tp, None)

    async def positions(self) -> Offsets:
        return await self._subscription.positions()

    async def close(self) -> None:
        try:
            await self._effects.finish()
            await self._commit_done()
        except Unavailable as exc:
            _logger.warning("left_uncommitted", error=str(exc))
        finally:
            await self._subscription.close()

    async def _commit_done(self) -> None:
        done = self._effects.done(self._handled)
        moved = {tp: next_ for tp, next_ in done.items() if self._told.get(tp) != next_}
        if moved:
            await self._subscription.commit(moved)
            self._told |= moved
        # Not said again: the partition may be somebody else's by then, and further on.
        self._handled = {tp: next_ for tp, next_ in self._handled.items() if done[tp] < next_}
