"""A log's lanes merged by time under a watermark, between a worker and its subscription.

Partitions know no order among each other, and aggregates are not per partition. Entries wait here
until every lane that may hold more has been read beyond them, and a moment longer for what may
arrive beside them; then they leave in the order of (time, id). What comes after that is late: it
leaves with the next ones, and is counted.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter as Tally
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from prometheus_client import Counter, Gauge, Histogram

from eventlog.lanes import NEVER_MS, LaneReader, Waiting
from eventlog.log import ALL, Entry, Lane, LaneLog, LaneSubscription, Looked, Offsets, TopicPartition
from stores.ports import OutboxRecord

LATE = Counter("rankfeed_late_events_total", "Events that came behind the watermark", ["group", "topic"])
FORCED = Counter("rankfeed_watermark_forced_total", "Times that too much waited for it", ["group"])
WATERMARK = Gauge("rankfeed_watermark_seconds", "The event time up to which all has been given", ["group"])
WAITING = Gauge("rankfeed_watermark_entries", "Entries that wait for the watermark", ["group"])
WAITED = Histogram(
    "rankfeed_watermark_wait_seconds", "How long the oldest of what was given had waited", ["group"]
)

_WARN_AFTER_S = 1.0
_WARN_EVERY_S = 10.0

Reached = Callable[[], Awaitable[Mapping[TopicPartition, int]]]
"""Per partition the newest time (ms) among what is behind the consumer's own offsets."""


@dataclass(frozen=True, slots=True)
class WatermarkOptions:
    """How long and for how much it is waited.

    `hold_s`: what may still arrive beside an entry arrives within it, where no lane is behind.
    `slack_ms`: how far back in time a lane may go for its entries still to be in order.
    `idle_s`: a lane that is behind and gives nothing for so long is not waited for.
    `entries`: so many wait at most, and half of them before lanes that are ahead are left alone.
    `look`: so many are read at a time.
    """

    hold_s: float = 0.1
    slack_ms: int = 2_000
    idle_s: float = 5.0
    entries: int = 50_000
    look: int = 5_000


class MergedLog:
    """The log, for one consumer that keeps its own offsets."""

    def __init__(
        self,
        log: LaneLog,
        reached: Reached,
        options: WatermarkOptions | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._reached = reached
        self._options = options or WatermarkOptions()
        self._now_s = now_s

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        await self._log.append(records)

    async def subscribe(
        self, group: str, topics: Sequence[str], *, start: Offsets | None = None
    ) -> MergedSubscription:
        reached = await self._reached()
        inner = await self._log.subscribe(group, topics, start=start)
        return MergedSubscription(inner, group, reached, self._options, self._now_s)

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[str, int]:
        return await self._log.lag(group, topics)


class MergedSubscription:
    """A Subscription. Of each lane a poll gives what comes next, though in the order of time: the
    offsets behind a whole poll are those to commit."""

    def __init__(
        self,
        inner: LaneSubscription,
        group: str,
        reached: Mapping[TopicPartition, int],
        options: WatermarkOptions,
        now_s: Callable[[], float],
    ) -> None:
        self._inner = inner
        self._group = group
        self._reached = reached
        self._options = options
        self._now_s = now_s
        self._lanes: dict[Lane, LaneReader] = {}
        self._readers: list[LaneReader] = []
        self._behind: frozenset[Lane] = frozenset()
        self._waiting: list[Waiting] = []
        # When entries were read, and the last place among them.
        self._looks: deque[tuple[float, int]] = deque()
        # The last place of what was held long enough and has not left yet.
        self._held_ms = NEVER_MS
        self._given = (max(reached.values(), default=NEVER_MS), 0)
        self._warned_s = 0.0
        self._logger = structlog.get_logger("watermark").bind(group=group)

    async def poll(self, *, max_entries: int, timeout_s: float) -> Sequence[Entry]:
        end_s = self._now_s() + timeout_s
        while not (given := self._give(max_entries)):
            wait_s = end_s - self._now_s()
            if self._looks:
                wait_s = min(wait_s, self._looks[0][0] + self._options.hold_s - self._now_s())
            looked = await self._inner.look(
                max_entries=self._options.look, timeout_s=max(wait_s, 0.0), skip=self._ahead()
            )
            self._take(looked)
            if self._now_s() >= end_s:
                return self._give(max_entries)
        return given

    async def commit(self, offsets: Offsets) -> None:
        await self._inner.commit(offsets)

    async def positions(self) -> Offsets:
        positions = dict(await self._inner.positions())
        for one in self._waiting:
            tp = one.entry.topic_partition
            positions[tp] = min(positions.get(tp, one.entry.offset), one.entry.offset)
        return positions

    async def close(self) -> None:
        await self._inner.close()

    def _take(self, looked: Looked) -> None:
        now_s = self._now_s()
        self._behind = looked.behind
        for lane in looked.behind | looked.by_lane.keys():
            if lane not in self._lanes:
                self._lanes[lane] = LaneReader(
                    lane, len(self._lanes), self._options.slack_ms, self._reached_in(lane), now_s
                )
                self._readers.append(self._lanes[lane])
        newest_ms = NEVER_MS
        for lane, entries in looked.by_lane.items():
            placed = self._lanes[lane].take(entries, now_s)
            newest_ms = max(newest_ms, max(placed)[0])
            self._waiting += placed
        if looked.by_lane:
            # Sorted runs behind a sorted list: little more than one pass.
            self._waiting.sort()
            self._looks.append((now_s, newest_ms))
        for reader in self._readers:
            if reader.lane not in looked.behind:
                reader.heard_s = now_s

    def _give(self, max_entries: int) -> list[Entry]:
        """The next entries in their order, as far as the watermark is; a few more than asked for where
        a lane's order needs them."""
        now_s = self._now_s()
        while self._looks and self._looks[0][0] + self._options.hold_s <= now_s:
            self._held_ms = max(self._held_ms, self._looks.popleft()[1])
        waiting = self._waiting
        at_most = bisect_left(waiting, (self._bound_ms(now_s),))
        held = bisect_left(waiting, (self._held_ms + 1,))
        at_least = min(held, at_most)
        if len(waiting) > self._options.entries:
            FORCED.labels(self._group).inc()
            at_most, at_least = len(waiting), len(waiting) - self._options.entries // 2
        count = self._closed(min(at_least, max_entries), at_most) if at_least else 0
        WAITING.labels(self._group).set(len(waiting) - count)
        if not count:
            self._warn(now_s)
            return []
        if count >= held:
            self._held_ms = NEVER_MS
        given, self._waiting = waiting[:count], waiting[count:]
        self._tell(given, now_s)
        return [one.entry for one in given]

    def _bound_ms(self, now_s: float) -> int:
        """No entry with a place before it can come from a lane that is behind and alive."""
        bounds = [
            reader.bound_ms
            for reader in map(self._lanes.__getitem__, self._behind)
            if now_s - reader.heard_s <= self._options.idle_s
        ]
        return min(bounds, default=2**62)

    def _closed(self, at_least: int, at_most: int) -> int:
        """How many of the first to take, so that of each lane all that came before them is among them.

        The first such number from `at_least` on, the last one before it where there is none.
        """
        tops = [reader.given for reader in self._readers]
        missing = closed = 0
        for count, (_, _, lane, turn, *_) in enumerate(self._waiting[:at_most], 1):
            if turn >= tops[lane]:
                missing += turn - tops[lane]
                tops[lane] = turn + 1
            else:
                missing -= 1
            if not missing:
                closed = count
                if count >= at_least:
                    break
        return closed

    def _tell(self, given: Sequence[Waiting], now_s: float) -> None:
        late: Tally[str] = Tally()
        for one in given:
            self._readers[one.lane].given += 1
            if one.ts_ms < one.place_ms or one[:2] < self._given:
                late[one.entry.topic] += 1
        for topic, count in late.items():
            LATE.labels(self._group, topic).inc(count)
        self._given = max(self._given, given[-1][:2])
        WATERMARK.labels(self._group).set(self._given[0] / 1000)
        WAITED.labels(self._group).observe(now_s - min(one.read_s for one in given))

    def _ahead(self) -> frozenset[Lane]:
        """The lanes to leave alone: where much waits, those that nothing waits for."""
        if len(self._waiting) <= self._options.entries // 2 or not self._behind:
            return frozenset()
        bound_ms = self._bound_ms(self._now_s())
        return frozenset(reader.lane for reader in self._readers if reader.bound_ms > bound_ms)

    def _warn(self, now_s: float) -> None:
        if not self._waiting or now_s - self._warned_s < _WARN_EVERY_S:
            return
        waited_s = now_s - min(one.read_s for one in self._waiting)
        if waited_s >= _WARN_AFTER_S:
            self._warned_s = now_s
            self._logger.warning(
                "watermark_waits",
                seconds=round(waited_s, 1),
                entries=len(self._waiting),
                lanes=sorted(f"{lane.topic}/{lane.partition}" for lane in self._behind)[:5],
            )

    def _reached_in(self, lane: Lane) -> int:
        is_topic = lane.partition == ALL
        return max(
            (ms for tp, ms in self._reached.items() if tp == lane or (is_topic and tp.topic == lane.topic)),
            default=NEVER_MS,
        )
