"""The consumers of a history: those of the product, each run over one batch at a time, with time by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from eventlog.late_commits import LateCommitLog
from eventlog.log import Entry, EventLog, Offsets, Subscription
from eventlog.worker import Worker, WorkerOptions
from fanout.handlers import TOPICS as FANOUT_TOPICS
from pipelines.recounts import Recounts
from pipelines.tombstone_repeats import REPEATS_S, TombstoneRepeats
from pipelines.tweet_state import GROUP as TWEET_STATE
from pipelines.tweet_state import TOPICS as TWEET_STATE_TOPICS
from pipelines.tweet_state import TweetState, TweetStateHandler
from stores.counts_cache import CountsCache
from stores.ports import OutboxRecord
from stores.tombstones import Tombstones
from tests.histories.hand_fed_log import Group, HandFedLog, Turn
from wiring.resources import Resources
from wiring.worker_processes import FANOUT_GROUP, fanout_work

PAUSE_MS = 6_000
"""After which counts are made again, and tombstones written again."""
PAUSES = int(REPEATS_S[-1] * 1000 / PAUSE_MS) + 1
Run = Callable[[asyncio.Event], Awaitable[None]]


class Consumers:
    """One process: fan-out, and the state of tweets. `resources` are made anew for whoever comes after it."""

    topics: Mapping[str, Sequence[str]] = {FANOUT_GROUP: FANOUT_TOPICS, TWEET_STATE: TWEET_STATE_TOPICS}

    def __init__(self, resources: Callable[[], Resources], log: HandFedLog) -> None:
        self._resources = resources
        self._log = log
        self._work: dict[str, Run] = {}

    async def start(self) -> None:
        for group, topics in self.topics.items():
            await self._log.feed(group, topics)
        self._restart()

    async def restart(self) -> None:
        """After a death; what the last process had still to repeat is found in the log."""
        for group in self._log.groups.values():
            group.restart()
        self._restart()
        await self._state.look_back()

    async def run(self, name: str, turn: Turn) -> None:
        """Ends when the turn's batch is done, or has to wait for somebody. Raises Died."""
        self._log.turn.set(turn)
        await self._work[name](turn.stop)
        if name == TWEET_STATE:
            await self.make_late_effects()

    async def make_late_effects(self) -> None:
        """What is due by now: counts, tombstones once more."""
        await self._recounts.turn()
        await self._repeats.turn()

    def _restart(self) -> None:
        resources = self._resources()
        clock, stores, mint = resources.clock, resources.stores, resources.mint
        counts = CountsCache(resources.redis, stores.engagements, clock)
        self._recounts = Recounts(stores.engagements, counts, clock)
        self._repeats = TombstoneRepeats(Tombstones(resources.redis), clock)
        self._state = TweetState(stores.log, self._recounts, self._repeats, clock, mint)
        log = _LastingLog(LateCommitLog(stores.log, _Late(self._recounts)), self._log.groups[TWEET_STATE])
        handler = TweetStateHandler(self._recounts, self._repeats)
        options = WorkerOptions(group=TWEET_STATE, topics=TWEET_STATE_TOPICS)
        state = Worker(log, handler, clock, mint, options)
        self._work = {**fanout_work(resources), TWEET_STATE: state.run}


class _Late:
    """The recounts; a worker's turn is over long before its process ends, and waits for none of them."""

    def __init__(self, recounts: Recounts) -> None:
        self._recounts = recounts

    def done(self, handled: Offsets) -> Offsets:
        return self._recounts.done(handled)

    async def finish(self) -> None:
        return


class _LastingLog:
    """One subscription from turn to turn: it knows what was handled, and may not be committed yet."""

    def __init__(self, log: EventLog, group: Group) -> None:
        self._log = log
        self._group = group
        self._subscription: _Lasting | None = None

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        await self._log.append(records)

    async def subscribe(
        self, group: str, topics: Sequence[str], *, start: Offsets | None = None
    ) -> Subscription:
        if self._subscription is None:
            inner = await self._log.subscribe(group, topics, start=start)
            self._subscription = _Lasting(inner, self._group)
        return self._subscription

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[str, int]:
        return await self._log.lag(group, topics)


class _Lasting:
    def __init__(self, inner: Subscription, group: Group) -> None:
        self._inner = inner
        self._group = group

    async def poll(self, *, max_entries: int, timeout_s: float) -> Sequence[Entry]:
        return await self._inner.poll(max_entries=max_entries, timeout_s=timeout_s)

    async def commit(self, offsets: Offsets) -> None:
        await self._inner.commit(offsets)
        self._group.handle(offsets)

    async def positions(self) -> Offsets:
        return await self._inner.positions()

    async def close(self) -> None:
        """It lasts."""
