"""Events as observations: what counts for features, once each, and what does not."""

from __future__ import annotations

from hashlib import blake2b
from struct import Struct
from typing import NamedTuple

from core.errors import Corrupt
from core.ids import MAX_ID
from eventlog.schema import LikeSet, Viewed
from eventlog.worker import Arrived
from features.accumulate import Observation
from features.packed_row import MAX_TS_S

_TWO_IDS = Struct("<QQ")
_KEY_BYTES = 16


class Counted(NamedTuple):
    """An observation and the key under which it counts once.

    Views count once per (viewer, request, tweet, kind), likes once per (user, tweet, version).
    """

    key: bytes
    observation: Observation


def counted_of(arrived: Arrived, *, not_after_ms: int) -> Counted | None:
    """None for an event that is no observation; Corrupt for one that no row can take.

    A moment after `not_after_ms` is refused: it would age every row it touches, for good.
    """
    event, envelope = arrived.event, arrived.envelope
    if isinstance(event, Viewed):
        if event.kind == "report":
            return None
        observation = Observation(
            envelope.ts_ms, event.kind, event.viewer, event.author, event.tweet, event.value_ms
        )
        name = event.kind.encode() + b"\0" + event.request_id
    elif isinstance(event, LikeSet):
        observation = Observation(
            envelope.ts_ms, "like", event.user, event.author, event.tweet, weight=1 if event.on else -1
        )
        name = b"set\0%d" % envelope.ver
    else:
        return None
    _check(observation, not_after_ms)
    ids = _TWO_IDS.pack(observation.viewer, observation.tweet)
    return Counted(blake2b(ids + name, digest_size=_KEY_BYTES).digest(), observation)


def _check(observation: Observation, not_after_ms: int) -> None:
    ts_ms = observation.ts_ms
    if not 0 <= ts_ms <= min(not_after_ms, MAX_TS_S * 1000):
        raise Corrupt(f"an event of {ts_ms} ms, which is before 1970 or after {not_after_ms} ms")
    for name, lowest in (("viewer", 1), ("tweet", 1), ("author", 0)):
        if not lowest <= (value := getattr(observation, name)) <= MAX_ID:
            raise Corrupt(f"{name} {value} is not an id")
