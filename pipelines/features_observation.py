"""Events as observations: what counts for features, once each, and what does not."""

from __future__ import annotations

from hashlib import blake2b
from struct import Struct
from typing import NamedTuple

from core.errors import Corrupt
from core.ids import MAX_ID
from eventlog.schema import (
    EDGES,
    GRAPH,
    TWEETS,
    VIEWS,
    Event,
    FollowSet,
    LikeSet,
    ReplySet,
    RetweetSet,
    TweetCreated,
    Viewed,
)
from eventlog.worker import Arrived
from features.accumulate import Observation, tweet_attributes
from features.packed_row import MAX_TS_S
from features.view import EventKind

TOPICS = (VIEWS, EDGES, TWEETS, GRAPH)
"""Where observations come from."""

_TWO_IDS = Struct("<QQ")
_KEY_BYTES = 16


class Counted(NamedTuple):
    """An observation and the key under which it counts once.

    Views count once per (viewer, request, tweet, kind), what is set once per its version.
    """

    key: bytes
    observation: Observation


def counted_of(arrived: Arrived, *, not_after_ms: int) -> Counted | None:
    """None for an event that is no observation; Corrupt for one that no row can take.

    A moment after `not_after_ms` is refused: it would age every row it touches, for good.
    """
    event, ts_ms, ver = arrived.event, arrived.envelope.ts_ms, arrived.envelope.ver
    if isinstance(event, Viewed):
        if event.kind == "report":
            return None
        observation = Observation(ts_ms, event.kind, event.viewer, event.author, event.tweet, event.value_ms)
        name = event.kind.encode() + b"\0" + event.request_id
    else:
        said = _said(event, ts_ms)
        if said is None:
            return None
        observation = said
        # A like was the first to be counted so.
        name = (b"set\0%d" if said.kind == "like" else said.kind.encode() + b"\0set\0%d") % ver
    _check(observation, not_after_ms)
    ids = _TWO_IDS.pack(observation.viewer, observation.tweet or observation.author)
    return Counted(blake2b(ids + name, digest_size=_KEY_BYTES).digest(), observation)


def _said(event: Event | None, ts_ms: int) -> Observation | None:
    """Of an event that is a fact; None where it says nothing that is kept."""
    match event:
        case LikeSet():
            weight = 1 if event.on else -1
            return Observation(ts_ms, "like", event.user, event.author, event.tweet, weight=weight)
        case ReplySet() | RetweetSet():
            # Replies were written down without their user once.
            if not event.user:
                return None
            kind: EventKind = "reply" if isinstance(event, ReplySet) else "retweet"
            weight = 1 if event.on else -1
            return Observation(ts_ms, kind, event.user, event.author, event.tweet, weight=weight)
        case FollowSet():
            return Observation(ts_ms, "follow", event.a, event.b, 0, weight=1 if event.on else -1)
        case TweetCreated():
            attributes = tweet_attributes(
                len(event.text), event.media_kind, event.reply_to is not None, event.retweet_of is not None
            )
            return Observation(ts_ms, "tweet", 0, event.author, event.tweet, attributes=attributes)
        case _:
            return None


def _check(observation: Observation, not_after_ms: int) -> None:
    ts_ms, kind = observation.ts_ms, observation.kind
    if not 0 <= ts_ms <= min(not_after_ms, MAX_TS_S * 1000):
        raise Corrupt(f"an event of {ts_ms} ms, which is before 1970 or after {not_after_ms} ms")
    lowest = (int(kind != "tweet"), int(kind != "follow"), int(kind == "follow"))
    for name, least in zip(("viewer", "tweet", "author"), lowest, strict=True):
        if not least <= (value := getattr(observation, name)) <= MAX_ID:
            raise Corrupt(f"{name} {value} is not an id")
