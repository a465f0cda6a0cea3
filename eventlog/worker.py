"""The one consume loop: batch, retry, dead-letter, commit, drain.

A handler is given whole batches and makes their effects; its effects must be idempotent, because
a batch whose commit did not arrive comes again. An event that always fails is set aside in the
dead letters, with its cause, and its partition goes on. What a neighbour does not answer in time is
halved: it may be too much for it just now.
"""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import structlog
from prometheus_client import Counter, Gauge

from core.clock import Clock
from core.errors import Corrupt, RankfeedError, Unavailable
from core.waiting import happens
from eventlog.envelope import Envelope, decode_envelope
from eventlog.log import Entry, EventLog, Offsets, Subscription, TopicPartition, next_offsets
from eventlog.schema import DeadLetter, Event, decode_event, record_of
from eventlog.shorter_log import OwnStart
from eventlog.stride import Stride

HANDLED = Counter("rankfeed_events_handled_total", "Events whose effects were made", ["group", "type"])
SKIPPED = Counter(
    "rankfeed_events_skipped_total", "Events of a type this code does not know", ["group", "type"]
)
DEAD = Counter("rankfeed_dead_letters_total", "Events set aside because they always fail", ["group", "topic"])
RETRIES = Counter(
    "rankfeed_batch_retries_total", "Batches tried again because a neighbour was away", ["group"]
)
LAST_OFFSET = Gauge("rankfeed_committed_offset", "The newest offset committed", ["group", "topic"])


MAX_ERROR_CHARS = 4_000
"""A dead letter tells its cause; an error that quotes a whole batch would outgrow the record."""

Outcome = Literal["made", "failed", "too_much"]
MintId = Callable[[], int]
Call = Callable[[], Awaitable[None]]


class Arrived(NamedTuple):
    """One event, decoded, with the entry that carried it."""

    entry: Entry
    envelope: Envelope
    event: Event


class Handler(Protocol):
    """Makes the effects of events. Order within a key is that of the log."""

    async def handle(self, batch: Sequence[Arrived]) -> None:
        """All of the batch's effects, or an exception; what was half done is done again.

        Raises Unavailable where a neighbour is away: the batch is then repeated until it is back, in parts.
        Corrupt is final, for one event; any other error is tried again a few times.
        """
        ...


class OwnOffsets(Protocol):
    """The offsets of a handler that commits its effects and its progress as one.

    They decide where the group starts; what the log is told is only for its lag. The handler still
    leaves out entries that it has counted already: the answer to a commit may be lost.
    """

    async def load(self) -> Offsets:
        """Per partition the next entry that is wanted; empty at the very first start."""
        ...

    async def save(self, offsets: Offsets) -> None:
        """Moves past entries whose effects are made, or that have none: unknown, or dead letters."""
        ...

    async def rewind(self, first: Sequence[Entry]) -> None:
        """Goes back to these, each of a partition that seems to have begun anew.

        Where one is older than what was handled of its partition it did not: it stays where it is then.
        """
        ...


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    group: str
    topics: tuple[str, ...]
    batch: int = 500
    poll_s: float = 0.25
    backoff_s: tuple[float, ...] = (0.05, 0.1, 0.25, 0.5, 1.0)
    """Waits between attempts; the last one repeats while a neighbour is away."""


class Worker:
    """Runs one handler until `stop` is set; what was polled by then is finished and committed."""

    def __init__(
        self,
        log: EventLog,
        handler: Handler,
        clock: Clock,
        mint: MintId,
        options: WorkerOptions,
        own_offsets: OwnOffsets | None = None,
    ) -> None:
        self._log = log
        self._handler = handler
        self._own_offsets = own_offsets
        self._clock = clock
        self._mint = mint
        self._options = options
        self._stride = Stride(options.batch)
        self._start = OwnStart(options.group, {})
        self._logger = structlog.get_logger("worker").bind(group=options.group)

    async def run(self, stop: asyncio.Event) -> None:
        try:
            subscription = await self._subscribe(stop)
            try:
                await self._tell_own_offsets(subscription, stop)
                while not stop.is_set():
                    await self._turn(subscription, stop)
            finally:
                await subscription.close()
        except _Stopped:
            # Told to stop while waiting for a neighbour: what was not committed comes again.
            return

    async def _subscribe(self, stop: asyncio.Event) -> Subscription:
        """Joins the group, waiting for a log that is away."""
        own, options = self._own_offsets, self._options
        while True:
            try:
                start = None if own is None else await own.load()
                self._start = OwnStart(options.group, start or {})
                return await self._log.subscribe(options.group, options.topics, start=start)
            except Unavailable as exc:
                self._logger.warning("log_unavailable", error=str(exc))
                await _pause(stop, options.backoff_s[-1])

    async def _tell_own_offsets(self, subscription: Subscription, stop: asyncio.Event) -> None:
        """Says again what may not have been said before the end of the last process.

        Nothing else would say it until the next entry comes, and the group would seem to lag.
        """
        if (own := self._own_offsets) is None:
            return

        async def tell() -> None:
            if offsets := await own.load():
                await subscription.commit(offsets)

        await self._until_available(tell, stop)

    async def _turn(self, subscription: Subscription, stop: asyncio.Event) -> None:
        try:
            entries = await subscription.poll(max_entries=self._options.batch, timeout_s=self._options.poll_s)
        except Unavailable as exc:
            self._logger.warning("log_unavailable", error=str(exc))
            await _pause(stop, self._options.backoff_s[-1])
            return
        if not entries:
            return
        own = self._own_offsets
        if own is not None and (first := self._start.first_below(entries)):
            await self._until_available(lambda: own.rewind(first), stop)
        arrived = await self._decode(entries, stop)
        if arrived:
            await self._handle(arrived, stop)
        offsets = next_offsets(entries)
        if own is not None:
            await self._until_available(lambda: own.save(offsets), stop)
        await self._until_available(lambda: subscription.commit(offsets), stop)
        for topic, offset in {entry.topic: entry.offset for entry in entries}.items():
            LAST_OFFSET.labels(self._options.group, topic).set(offset)

    async def _decode(self, entries: Sequence[Entry], stop: asyncio.Event) -> list[Arrived]:
        arrived = []
        for entry in entries:
            try:
                envelope = decode_envelope(entry.value)
                if not envelope.is_for(self._options.group):
                    continue
                event = decode_event(envelope)
            except Corrupt as exc:
                await self._set_aside(entry, exc, stop, attempts=1)
                continue
            if event is None:
                SKIPPED.labels(self._options.group, envelope.type).inc()
                continue
            arrived.append(Arrived(entry, envelope, event))
        return arrived

    async def _handle(self, batch: list[Arrived], stop: asyncio.Event) -> None:
        """Makes the batch's effects; what always fails is set aside."""
        outcome: Outcome = "too_much"
        if len(batch) <= self._stride.events:
            outcome = await self._attempt(batch, stop)
            if outcome == "made" or len(batch) == 1:
                return
        # A batch that was merged by time is not by offset, and each part commits past itself.
        await self._handle_parts(_by_offset(batch), stop, alone=len(batch) if outcome == "failed" else 0)

    async def _handle_parts(self, batch: list[Arrived], stop: asyncio.Event, *, alone: int) -> None:
        """In as many parts as it takes; the first `alone` one by one: something in them always fails."""
        while batch:
            part = batch[: 1 if alone else self._stride.events]
            outcome = await self._attempt(part, stop)
            if outcome == "failed" and len(part) > 1:
                alone = len(part)
            if outcome == "made" or len(part) == 1:
                batch, alone = batch[len(part) :], max(0, alone - 1)

    async def _attempt(self, batch: list[Arrived], stop: asyncio.Event) -> Outcome:
        """`failed` where the batch did so twice; a batch of one is tried more often, and then set aside.

        `too_much` is only said of more than one: one is repeated until its neighbour is back.
        """
        failures = 0
        waits = self._options.backoff_s
        tries = 2 if len(batch) > 1 else len(waits)
        while True:
            try:
                await self._handler.handle(batch)
            except Unavailable as exc:
                RETRIES.labels(self._options.group).inc()
                self._logger.warning("neighbour_away", error=str(exc), events=len(batch))
                self._stride.shorten(len(batch))
                # Half as much is worth a try soon; of one event there is no half.
                await _pause(stop, waits[0] if len(batch) > 1 else waits[-1])
                if len(batch) > 1:
                    return "too_much"
                continue
            except Exception as exc:
                failures += 1
                self._logger.error("events_failed", events=len(batch), attempt=failures, exc_info=exc)
                # What is corrupt stays so.
                if failures >= tries or isinstance(exc, Corrupt):
                    if len(batch) == 1:
                        await self._set_aside(batch[0].entry, exc, stop, attempts=failures)
                    return "failed"
                await _pause(stop, waits[min(failures, len(waits)) - 1])
                continue
            for type_, n in Tally(one.envelope.type for one in batch).items():
                HANDLED.labels(self._options.group, type_).inc(n)
            self._stride.lengthen()
            return "made"

    async def _set_aside(self, entry: Entry, cause: Exception, stop: asyncio.Event, *, attempts: int) -> None:
        error = str(cause) if isinstance(cause, RankfeedError) else f"{type(cause).__name__}: {cause}"
        letter = DeadLetter(
            entry.topic,
            entry.partition,
            entry.offset,
            self._options.group,
            error[:MAX_ERROR_CHARS],
            attempts,
            entry.value,
        )

        async def append() -> None:
            record = record_of(letter, id=self._mint(), ts_ms=self._clock.now_ms(), key=entry.key)
            await self._log.append([record])

        await self._until_available(append, stop)
        DEAD.labels(self._options.group, entry.topic).inc()
        self._logger.error("dead_letter", topic=entry.topic, offset=entry.offset, error=error)

    async def _until_available(self, call: Call, stop: asyncio.Event) -> None:
        while True:
            try:
                await call()
            except Unavailable as exc:
                self._logger.warning("log_unavailable", error=str(exc))
                await _pause(stop, self._options.backoff_s[-1])
            else:
                return


def _by_offset(batch: Sequence[Arrived]) -> list[Arrived]:
    """Each partition's events by offset, in the turns that its events have in the batch."""
    ordered: dict[TopicPartition, deque[Arrived]] = {}
    for one in sorted(batch, key=lambda one: one.entry.offset):
        ordered.setdefault(one.entry.topic_partition, deque()).append(one)
    return [ordered[one.entry.topic_partition].popleft() for one in batch]


class _Stopped(Exception):
    """Told to stop while something was being waited for."""


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    """Waits; raises _Stopped where told to stop meanwhile."""
    if await happens(stop, seconds):
        raise _Stopped
