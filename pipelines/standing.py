"""The event that tells of an edge's state, made from one that told of an earlier state."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from core.errors import Corrupt
from core.ids import id_time_ms
from eventlog.envelope import decode_envelope
from eventlog.schema import FollowSet, LikeSet, decode_event, record_of
from stores.cassandra.entry import EdgeVersions
from stores.ports import OutboxRecord


def standing(records: Sequence[OutboxRecord], state: EdgeVersions) -> list[OutboxRecord]:
    """The same edges' events at their highest version; records that are none of ours have no such.

    Whoever wrote that version may have told of it too: the two carry the same id and version.
    """
    made = []
    for record in records:
        try:
            event = decode_event(decode_envelope(record.value))
        except Corrupt:
            continue
        ver = max(state)
        if isinstance(event, FollowSet):
            event = msgspec.structs.replace(event, on=state.is_on)
        elif isinstance(event, LikeSet):
            # The slate that the older like came from is not where this one came from.
            event = msgspec.structs.replace(event, on=state.is_on, request_id=b"")
        else:
            continue
        made.append(record_of(event, id=ver, ts_ms=id_time_ms(ver), key=record.key))
    return made
