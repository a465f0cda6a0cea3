"""Reading a log in the ways that its suites need."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from eventlog.log import Entry, Offsets, OperatedLog, Subscription, next_offsets
from eventlog.schema import VIEWS
from stores.ports import OutboxRecord
from tests.contracts.log_engines import drain


def views(*numbers: int, key: int = 7) -> list[OutboxRecord]:
    return [OutboxRecord(VIEWS, key, b"%d" % number) for number in numbers]


def values(entries: Sequence[Entry]) -> list[int]:
    return [int(entry.value) for entry in entries]


@asynccontextmanager
async def consuming(
    log: OperatedLog, *topics: str, group: str = "readers", start: Offsets | None = None
) -> AsyncIterator[Subscription]:
    subscription = await log.subscribe(group, topics or (VIEWS,), start=start)
    try:
        yield subscription
    finally:
        await subscription.close()


async def read_on(
    log: OperatedLog, *topics: str, group: str = "readers", start: Offsets | None = None
) -> list[Entry]:
    """What a consumer that has just been started gets, without committing it."""
    async with consuming(log, *topics, group=group, start=start) as subscription:
        return await drain(log, subscription, topics or (VIEWS,))


async def consume(log: OperatedLog, *topics: str, group: str = "readers") -> list[Entry]:
    """What a consumer that has just been started gets, and commits."""
    async with consuming(log, *topics, group=group) as subscription:
        entries = await drain(log, subscription, topics or (VIEWS,))
        await subscription.commit(next_offsets(entries))
        return entries


async def behind(log: OperatedLog, *topics: str, group: str = "readers") -> Mapping[str, int]:
    return await log.lag(group, topics or (VIEWS,))
