"""Looking at the log without being one of its consumers: nothing here commits anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import msgspec

from core.errors import Corrupt
from core.packing import MALFORMED
from eventlog.envelope import decode_envelope
from eventlog.log import Entry, Offsets, OperatedLog, Subscription, TopicPartition

READER_GROUP = "reader"
_POLL_ENTRIES = 1_000
_POLL_S = 0.25
_any_decoder = msgspec.msgpack.Decoder()


async def read(
    log: OperatedLog, topics: Sequence[str], *, start: Offsets | None = None, ends: Offsets | None = None
) -> AsyncGenerator[Entry, None]:
    """What the log holds now, from `start` (the oldest entry) up to `ends` (those of this moment).

    Entries of a key in their order, different partitions in any. Raises Unavailable where the log
    is away. Who stops early closes it (`contextlib.aclosing`).
    """
    ends = await log.ends(topics) if ends is None else ends
    subscription = await log.subscribe(READER_GROUP, topics, start=start or {})
    try:
        async for entry in read_to(subscription, ends):
            yield entry
    finally:
        await subscription.close()


async def read_to(subscription: Subscription, ends: Offsets) -> AsyncGenerator[Entry, None]:
    """What a subscription is given until it stands at `ends`; entries behind them are left out."""
    while not _reached(await subscription.positions(), ends):
        for entry in await subscription.poll(max_entries=_POLL_ENTRIES, timeout_s=_POLL_S):
            if entry.offset < ends.get(entry.topic_partition, 0):
                yield entry


async def tail(
    log: OperatedLog, topics: Sequence[str], stop: asyncio.Event, *, since_ms: int | None = None
) -> AsyncGenerator[Entry, None]:
    """Entries as they come, from now or from what was published at `since_ms`, until `stop` is set."""
    start = await log.ends(topics) if since_ms is None else await log.offsets_at(topics, since_ms)
    subscription = await log.subscribe(READER_GROUP, topics, start=start)
    try:
        while not stop.is_set():
            for entry in await subscription.poll(max_entries=_POLL_ENTRIES, timeout_s=_POLL_S):
                yield entry
    finally:
        await subscription.close()


async def replay(
    log: OperatedLog,
    group: str,
    topics: Sequence[str],
    *,
    at_ms: int | None = None,
    offsets: Offsets | None = None,
) -> Mapping[str, int]:
    """Has a group begin again: at a time, at `offsets`, or at the oldest entry; its lag after that.

    With a time, what the group has not had yet is not passed over, however old it is; with `offsets`
    it is. The group's consumers must have been stopped, see OperatedLog.reset.
    """
    if offsets is None:
        wanted = await log.offsets_at(topics, 0 if at_ms is None else at_ms)
        committed = await log.offsets_of(group, topics)
        # Where nothing was committed, the group begins at the oldest entry as it is.
        offsets = {tp: min(wanted[tp], committed[tp]) for tp in wanted.keys() & committed.keys()}
    await log.reset(group, offsets)
    return await log.lag(group, topics)


def as_json(entry: Entry) -> bytes:
    """One line for people and their tools: where the entry lies, and `content_of` it."""
    place = {
        "topic": entry.topic,
        "partition": entry.partition,
        "offset": entry.offset,
        "published_ms": entry.published_ms,
        "key": str(entry.key),
    }
    return msgspec.json.encode(place | content_of(entry.value))


def content_of(value: bytes) -> dict[str, Any]:
    """A record's event, fit for JSON: bytes as base64, what cannot be decoded as `raw` and `error`."""
    try:
        envelope = decode_envelope(value)
        data = msgspec.json.encode(_any_decoder.decode(envelope.data))
    except Corrupt as exc:
        return {"error": str(exc), "raw": value}
    except (*MALFORMED, TypeError) as exc:
        # TypeError: an event of another version may hold what JSON has no form for.
        return {"error": f"{envelope.type}: {exc}", "raw": value}
    return {
        "type": envelope.type,
        # 64 bits are more than most readers of JSON keep.
        "id": str(envelope.id),
        "ver": str(envelope.ver),
        "ts_ms": envelope.ts_ms,
        "region": envelope.region,
        "trace": envelope.trace,
        "data": msgspec.Raw(data),
    }


def type_of(entry: Entry) -> str | None:
    """The name of its event's type; None where it is no envelope that this code can read."""
    try:
        return decode_envelope(entry.value).type
    except Corrupt:
        return None


def _reached(positions: Offsets, ends: Mapping[TopicPartition, int]) -> bool:
    return all(positions.get(tp, -1) >= end for tp, end in ends.items())
