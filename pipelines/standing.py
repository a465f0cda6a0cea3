"""The events that tell of edges' states, beside an entry that told of earlier ones."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from core.errors import Corrupt
from core.ids import id_time_ms
from eventlog.envelope import decode_envelope
from eventlog.schema import BlockSet, Event, FollowSet, LikeSet, MuteSet, decode_event, record_of
from stores.cassandra.edges import Standing
from stores.ports import OutboxRecord


def standing(records: Sequence[OutboxRecord], overtaken: Sequence[Standing]) -> list[OutboxRecord]:
    """The overtaken edges' events at their highest version; an entry without events of ours has none.

    Whoever wrote that version may have told of it too: the two carry the same version, and the same id
    where that is the version (ADR 0044).
    """
    told = [event for record in records if (event := _event_of(record)) is not None]
    made = []
    for edge in overtaken if told else ():
        if (event := _state_of(edge, told)) is not None:
            ver = max(edge.state)
            key = event.tweet if isinstance(event, LikeSet) else edge.a
            made.append(record_of(event, id=ver, ts_ms=id_time_ms(ver), key=key))
    return made


def _state_of(edge: Standing, told: Sequence[Event]) -> Event | None:
    on = edge.state.is_on
    match edge.kind.name:
        case "follow":
            return FollowSet(edge.a, edge.b, on)
        case "block":
            return BlockSet(edge.a, edge.b, on)
        case "mute":
            return MuteSet(edge.a, edge.b, on)
        case "like":
            like = next((event for event in told if isinstance(event, LikeSet)), None)
            # The slate that the older like came from is not where this one came from.
            return None if like is None else msgspec.structs.replace(like, on=on, request_id=b"")
        case _:
            return None


def _event_of(record: OutboxRecord) -> Event | None:
    try:
        return decode_event(decode_envelope(record.value))
    except Corrupt:
        return None
