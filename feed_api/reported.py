"""A client's report as an event: what its token vouches for, at a moment that can be."""

from __future__ import annotations

from typing import NamedTuple

from core.errors import InvalidField
from core.ids import UserId, uuid7_time_ms
from eventlog.schema import Viewed
from feed_api.schemas import ClientEvent
from feed_api.signatures import Signer

MAX_AGE_MS = 24 * 3600 * 1000


class Reported(NamedTuple):
    """`at_ms` is when it happened, as far as the client's clock can be believed."""

    event: Viewed
    at_ms: int


def reported(signer: Signer, viewer: UserId, event: ClientEvent, now_ms: int) -> Reported:
    """Raises InvalidField for a token that is forged, another viewer's or too old, and for a dwell
    without its length."""
    tracked = signer.read_tracking(viewer, event.tracking)
    served_ms = uuid7_time_ms(tracked.request_id)
    if now_ms - served_ms > MAX_AGE_MS:
        raise InvalidField("the item was served more than 24 h ago", field="tracking", limit=MAX_AGE_MS)
    if event.type == "dwell" and event.value_ms is None:
        raise InvalidField("a dwell needs its length", field="value_ms")
    viewed = Viewed(
        viewer=viewer,
        request_id=tracked.request_id.bytes,
        tweet=tracked.tweet,
        author=tracked.author,
        kind=event.type,
        position=tracked.position,
        value_ms=event.value_ms or 0,
    )
    # A client's clock may be a year off: nothing happens before the item was served, or after now.
    return Reported(viewed, min(max(int(event.client_ts.timestamp() * 1000), served_ms), now_ms))
