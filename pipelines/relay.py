"""Finishes the writes that their writers left in the outbox: effects, events, and only then the row.

A writer publishes its own entries within milliseconds; the relay takes those older than two seconds,
whose writer died, lost its connection or met a log that was away. It may repeat and reorder what it
publishes: every event carries its version. Several may run: they take turns, and where two think that
it is theirs, they repeat each other's work and no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import structlog
from prometheus_client import Counter, Gauge

from core.clock import Clock
from core.errors import Corrupt, Unavailable
from core.waiting import happens
from pipelines.standing import standing
from stores.cassandra.entry import Entry, decode_entry
from stores.cassandra.facts import Effect, Facts
from stores.cassandra.outbox import BUCKET_MS, LATE_MS, CassandraOutbox, Waiting
from stores.cassandra.publication import Publisher
from stores.ports import ControlStore, OutboxRecord
from stores.turn import Turn

RELAYED = Counter("rankfeed_relay_entries_total", "Outbox entries that the relay finished")
REFUSED = Counter("rankfeed_relay_refused_total", "Outbox entries set aside because they always fail")
OLDEST_S = Gauge("rankfeed_relay_oldest_seconds", "Age of the oldest outbox entry when last looked at")

LOW_MARK = "outbox/low_mark"
"""The control document with the number of the oldest bucket that may hold rows, in decimal."""
TURN = "outbox/relay"
"""The control document with the name of the relay whose turn it is."""


@dataclass(frozen=True, slots=True)
class RelayOptions:
    after_ms: int = 2_000
    """Younger entries are their writers'."""
    batch: int = 500
    at_once: int = 64
    """Entries whose effects are repeated side by side."""
    buckets_at_once: int = 16
    probe: int = 50
    """Entries of the first round after the log was away. Writers that live publish theirs then, too,
    and faster: a relay repeats the effects first."""
    look_again_s: float = 0.5
    """Rows read longer ago may have been published by their writers: they are looked for once more."""
    pause_s: float = 1.0


class _Mark(NamedTuple):
    bucket: int
    version: int


class _Decoded(NamedTuple):
    waiting: Waiting
    entry: Entry


class Relay:
    def __init__(
        self,
        outbox: CassandraOutbox,
        facts: Facts,
        control: ControlStore,
        publisher: Publisher,
        clock: Clock,
        options: RelayOptions,
    ) -> None:
        self._outbox = outbox
        self._facts = facts
        self._control = control
        self._publisher = publisher
        self._clock = clock
        self._options = options
        # Effects made already of what could not be published yet: they need not be made each time.
        self._made: dict[bytes, Effect] = {}
        self._log_was_away = False
        self._logger = structlog.get_logger("relay")

    async def run(self, stop: asyncio.Event, turn: Turn) -> None:
        """Goes round until `stop` while it is its turn; while a neighbour is away, it waits for it."""
        while not stop.is_set():
            try:
                if await turn.is_ours():
                    await self.round()
            except Unavailable as exc:
                self._logger.warning("neighbour_away", error=str(exc))
            await happens(stop, self._options.pause_s)
        try:
            await turn.pass_on()
        except Unavailable as exc:
            self._logger.warning("turn_not_passed_on", error=str(exc))

    async def round(self) -> int:
        """Relays everything that is due, and moves the low mark; how many entries it was.

        After the log was away it is a few only.
        """
        probing, self._log_was_away = self._log_was_away, False
        mark = await self._low_mark()
        # Asked before the buckets are read: what is passed had been over for long when it was empty.
        now_ms = self._clock.now_ms()
        due_us = (now_ms - self._options.after_ms) * 1000
        done, oldest_us, empty = 0, None, True
        low = mark.bucket
        for first in range(mark.bucket, now_ms // BUCKET_MS + 1, self._options.buckets_at_once):
            last = min(first + self._options.buckets_at_once, now_ms // BUCKET_MS + 1)
            read_s = self._clock.monotonic_s()
            for bucket, rows in zip(
                range(first, last),
                await asyncio.gather(*(self._outbox.waiting(bucket) for bucket in range(first, last))),
                strict=True,
            ):
                empty = empty and not rows and (bucket + 1) * BUCKET_MS < now_ms - LATE_MS
                low = bucket + 1 if empty else low
                due = sorted(
                    (row for row in rows if row.place.written_us <= due_us),
                    key=lambda row: row.place.written_us,
                )
                if due and oldest_us is None:
                    oldest_us = due[0].place.written_us
                done += await self._relay_all(bucket, due[: self._options.probe] if probing else due, read_s)
                if probing and due:
                    return done
        OLDEST_S.set(0 if oldest_us is None else (now_ms * 1000 - oldest_us) / 1_000_000)
        if low > mark.bucket:
            await self._move(mark, low)
        return done

    async def _relay_all(self, bucket: int, due: Sequence[Waiting], read_s: float) -> int:
        """Relays the rows of one bucket, oldest first, but for those that have gone since `read_s`."""
        done = 0
        while due:
            if self._clock.monotonic_s() - read_s > self._options.look_again_s:
                read_s = self._clock.monotonic_s()
                left = {row.place for row in await self._outbox.waiting(bucket)}
                due = [row for row in due if row.place in left]
            batch, due = due[: self._options.batch], due[self._options.batch :]
            done += await self._relay(batch)
        return done

    async def _low_mark(self) -> _Mark:
        while (stored := await self._control.get(LOW_MARK)) is None:
            # The very first round, or a mark that was lost: all of the outbox is looked through once.
            now_bucket = self._outbox.current_bucket() - LATE_MS // BUCKET_MS
            oldest = await self._outbox.oldest_bucket()
            bucket = now_bucket if oldest is None else min(oldest, now_bucket)
            await self._control.compare_and_set(LOW_MARK, b"%d" % bucket, expected=0)
        return _Mark(int(stored.value), stored.version)

    async def _move(self, mark: _Mark, bucket: int) -> None:
        # Lost to another relay, the mark stands where that one saw that it may.
        await self._control.compare_and_set(LOW_MARK, b"%d" % bucket, expected=mark.version)

    async def _relay(self, rows: Sequence[Waiting]) -> int:
        decoded: list[_Decoded] = []
        for row in rows:
            try:
                decoded.append(_Decoded(row, decode_entry(row.raw)))
            except Corrupt as exc:
                await self._refuse(row, exc)
        made = await self._make_effects(decoded)
        told = [one for one in made if _is_told(self._made[one.waiting.place.digest])]
        refused = await self._publish(told)
        finished = [one.waiting.place for one in made if one not in refused]
        await self._outbox.delete(finished)
        self._made.clear()
        RELAYED.inc(len(finished))
        if finished:
            self._logger.info("relayed", entries=len(finished))
        return len(finished)

    async def _make_effects(self, decoded: Sequence[_Decoded]) -> list[_Decoded]:
        """Those whose effects are made; one that always fails is set aside."""
        room = asyncio.Semaphore(self._options.at_once)

        async def make(one: _Decoded) -> Effect:
            digest = one.waiting.place.digest
            if digest not in self._made:
                async with room:
                    self._made[digest] = await self._facts.apply(one.entry)
            return self._made[digest]

        effects = await asyncio.gather(*(make(one) for one in decoded), return_exceptions=True)
        made = []
        for one, effect in zip(decoded, effects, strict=True):
            if isinstance(effect, Unavailable) or not isinstance(effect, Effect | Exception):
                raise effect
            if isinstance(effect, Exception):
                await self._refuse(one.waiting, effect)
            else:
                made.append(one)
        return made

    async def _publish(self, told: Sequence[_Decoded]) -> list[_Decoded]:
        """Publishes the entries' events; those that the log refuses for good, now set aside."""
        records: list[OutboxRecord] = []
        for one in told:
            records += one.entry.records
            records += standing(one.entry.records, self._made[one.waiting.place.digest].overtaken)
        if not records:
            return []
        try:
            await self._publisher.append(records)
        except Unavailable:
            self._log_was_away = True
            raise
        except Exception as exc:
            self._logger.error("publication_refused", entries=len(told), exc_info=exc)
            if len(told) == 1:
                await self._refuse(told[0].waiting, exc)
                return list(told)
            # Something in it always fails: one by one, so that only that is set aside.
            return [refused for one in told for refused in await self._publish([one])]
        return []

    async def _refuse(self, row: Waiting, cause: Exception) -> None:
        REFUSED.inc()
        text = str(cause) if isinstance(cause, Corrupt) else f"{type(cause).__name__}: {cause}"
        self._logger.error("entry_refused", event_id=row.place.event_id, error=text)
        await self._outbox.refuse(row, text)


def _is_told(effect: Effect) -> bool:
    """An overtaken change was one when its writer left it here, though what shows that may be overwritten."""
    return effect.changed or bool(effect.overtaken)
