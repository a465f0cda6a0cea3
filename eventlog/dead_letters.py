"""Events that were set aside because they always failed: looking at them, and trying them again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import structlog

from core.clock import Clock
from core.errors import Corrupt, NotFound
from eventlog.envelope import addressed, decode_envelope
from eventlog.log import OperatedLog
from eventlog.reading import read
from eventlog.schema import DEAD_LETTERS, DeadLetter, DeadLetterRedriven, decode_event, record_of
from eventlog.worker import MintId
from stores.ports import OutboxRecord


@dataclass(frozen=True, slots=True)
class SetAside:
    """One dead letter: its own id and time, the key of the event in it, and whether it was tried again."""

    id: int
    at_ms: int
    key: int
    letter: DeadLetter
    redriven: bool = False


class DeadLetters:
    """Reads the whole topic at each call: it is short, or something else is wrong."""

    def __init__(self, log: OperatedLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._logger = structlog.get_logger("dead_letters")

    async def all(self) -> list[SetAside]:
        """Every letter that the log still holds, in the order of their ids."""
        letters = await self._read()
        return [letters[id] for id in sorted(letters)]

    async def waiting(self) -> list[SetAside]:
        """Those that nobody has tried again yet."""
        return [one for one in await self.all() if not one.redriven]

    async def one(self, id: int) -> SetAside:
        """Raises NotFound."""
        return _find(await self._read(), id)

    async def redrive(self, ids: Collection[int], mint: MintId) -> int:
        """Publishes the events of these letters once more, at the end of their topic.

        Each for the group that set it aside: what the others made of it may be longer ago than they
        remember. What is no event at all is published as it is. What has been overtaken by a higher
        `ver` is ignored; what fails again becomes a letter of its own. Raises NotFound, before anything
        is published; where it raises Unavailable some may have been, and the same call again is safe.
        The number of events.
        """
        letters = await self._read()
        chosen = [_find(letters, id) for id in dict.fromkeys(ids)]
        published: set[OutboxRecord] = set()
        for one in chosen:
            event = OutboxRecord(one.letter.from_topic, one.key, _for_its_group(one.letter))
            if event not in published:
                await self._log.append([event])
                published.add(event)
            # After the event, not before: better twice than never.
            mark = DeadLetterRedriven(one.id)
            await self._log.append([record_of(mark, id=mint(), ts_ms=self._clock.now_ms(), key=one.key)])
        return len(published)

    async def _read(self) -> dict[int, SetAside]:
        letters: dict[int, SetAside] = {}
        redriven: set[int] = set()
        async for entry in read(self._log, [DEAD_LETTERS]):
            try:
                envelope = decode_envelope(entry.value)
                event = decode_event(envelope)
            except Corrupt as exc:
                self._logger.error("dead_letter_unreadable", offset=entry.offset, error=str(exc))
                continue
            match event:
                case DeadLetter():
                    letters[envelope.id] = SetAside(envelope.id, envelope.ts_ms, envelope.key, event)
                case DeadLetterRedriven():
                    redriven.add(event.letter)
        for id in letters.keys() & redriven:
            letters[id] = replace(letters[id], redriven=True)
        return letters


def _for_its_group(letter: DeadLetter) -> bytes:
    try:
        return addressed(letter.raw, letter.group)
    except Corrupt:
        return letter.raw


def _find(letters: Mapping[int, SetAside], id: int) -> SetAside:
    if id not in letters:
        raise NotFound(f"there is no dead letter {id}; `rankfeed dlq list` shows those that there are")
    return letters[id]
