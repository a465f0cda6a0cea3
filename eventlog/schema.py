"""Every event, its type name and its topic. Fields are only ever added, with defaults."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import msgspec

from core.errors import Corrupt
from core.packing import MALFORMED
from core.types import EngagementType, Tweet, User
from eventlog.envelope import Envelope, encode_envelope
from stores.ports import OutboxRecord

TWEETS = "tweets.v1"
GRAPH = "graph.v1"
EDGES = "edges.v1"
USERS = "users.v1"
VIEWS = "views.v1"
SERVED = "served.v1"
SCORED = "scored.v1"
DEAD_LETTERS = "dlq.v1"

FACT_TOPICS = (TWEETS, GRAPH, EDGES, USERS)
"""Written through the outbox, in the store's own transaction."""
TELEMETRY_TOPICS = (VIEWS, SERVED, SCORED)
"""Written in batches straight to the log; the last moment may be lost in a crash."""


class Event(msgspec.Struct, frozen=True):
    """What an event carries; its class says its type name and topic."""

    type_name: ClassVar[str]
    topic: ClassVar[str]


class TweetCreated(Event, frozen=True):
    """Key: the author. The whole tweet, so that no consumer must ask for it.

    `media_kind` is what an import says of its media ("video"), "" where there is none.
    """

    type_name = "tweet.created"
    topic = TWEETS

    tweet: int
    author: int
    text: str
    created_ms: int
    reply_to: int | None = None
    retweet_of: int | None = None
    media_kind: str = ""

    @classmethod
    def of(cls, tweet: Tweet, media_kind: str = "") -> TweetCreated:
        return cls(
            tweet.tweet_id,
            tweet.author_id,
            tweet.text,
            tweet.created_ms,
            tweet.reply_to,
            tweet.retweet_of,
            media_kind,
        )


class TweetDeleted(Event, frozen=True):
    """Key: the author. Deletion absorbs: its version is above the tweet's, and nothing undoes it."""

    type_name = "tweet.deleted"
    topic = TWEETS

    tweet: int
    author: int


class FollowSet(Event, frozen=True):
    """Key: the follower `a`. `on` false is an unfollow, or the end that a block made of it."""

    type_name = "follow.set"
    topic = GRAPH

    a: int
    b: int
    on: bool


class BlockSet(Event, frozen=True):
    """Key: `a`, who blocks `b`. The follows that a block ended have events of their own."""

    type_name = "block.set"
    topic = GRAPH

    a: int
    b: int
    on: bool


class MuteSet(Event, frozen=True):
    """Key: `a`, who mutes `b`."""

    type_name = "mute.set"
    topic = GRAPH

    a: int
    b: int
    on: bool


class LikeSet(Event, frozen=True):
    """Key: the tweet. `request_id` names the slate that the like came from, where it is known."""

    type_name = "like.set"
    topic = EDGES

    user: int
    tweet: int
    on: bool
    author: int = 0
    request_id: bytes = b""


class RetweetSet(Event, frozen=True):
    """Key: the original `tweet`, which is `author`'s. Set by the `retweet`, removed by its deletion.

    A user may delete a retweet and make another; each is an edge of its own, by its id.
    """

    type_name = "retweet.set"
    topic = EDGES

    user: int
    tweet: int
    on: bool
    retweet: int
    author: int = 0
    request_id: bytes = b""


class ReplySet(Event, frozen=True):
    """Key: the `tweet` that was replied to, which is `author`'s. Set by the `reply`, `user`'s, removed
    by its deletion."""

    type_name = "reply.set"
    topic = EDGES

    reply: int
    tweet: int
    on: bool
    user: int = 0
    author: int = 0
    request_id: bytes = b""


class UserCreated(Event, frozen=True):
    """Key: the user."""

    type_name = "user.created"
    topic = USERS

    user: int
    handle: str
    display_name: str
    created_ms: int

    @classmethod
    def of(cls, user: User) -> UserCreated:
        return cls(user.user_id, user.handle, user.display_name, user.created_ms)


class UserChanged(Event, frozen=True):
    """Key: the user. The whole profile as it is from this version on."""

    type_name = "user.changed"
    topic = USERS

    user: int
    handle: str
    display_name: str


class Viewed(Event, frozen=True):
    """Key: the viewer. What a client reported about one served item.

    Counted once per (viewer, request, tweet, kind), wherever it is counted. `value_ms` is the
    dwell's length; `position` the place in the feed, 0 at the top, -1 where unknown; an import
    has a request of its own making, and may name the `surface`: what was served here has it in the
    served record.
    """

    type_name = "view.recorded"
    topic = VIEWS

    viewer: int
    request_id: bytes
    tweet: int
    author: int
    kind: EngagementType
    position: int = -1
    value_ms: int = 0
    surface: str = ""


class ServedItem(msgspec.Struct, frozen=True, array_like=True):
    """One item of a served page.

    `heads` are the model's outputs (f32), `score` their weighted sum times `freshness`, `source_factor` and
    `seen` (1 for what is not known to have been looked at before) in float64, before diversity; `features`
    the float32 row that was scored, little-endian; `rows` per view the (schema id, seq) of the packed row
    that it was computed from. `diversity` then multiplied the score; `place_before` is the place in the
    slate without it, from 0, and `author_rank` how many of its author stand above it there. All empty, 1
    or -1 for an item that was not scored.
    """

    tweet: int
    author: int
    position: int
    source: str
    heads: list[float] = []
    score: float | None = None
    propensity: float | None = None
    features: bytes = b""
    rows: dict[str, tuple[int, int]] = {}
    freshness: float = 1.0
    source_factor: float = 1.0
    diversity: float = 1.0
    place_before: int = -1
    author_rank: int = -1
    seen: float = 1.0


class Served(Event, frozen=True):
    """Key: the viewer. One served page, as it was served.

    `now_ms` is the moment that the features were computed for: the request's own, that of the
    request that pinned the slate, or a day after the last event where the log has been quiet.
    """

    type_name = "feed.served"
    topic = SERVED

    viewer: int
    request_id: bytes
    now_ms: int
    algorithm: Literal["chronological", "ranked"]
    rung: str
    reason: str | None
    model: str | None
    objective: str | None
    schema_hash: str | None
    items: list[ServedItem]
    policy: str = "default"
    seed: int = 0
    temperature: float = 0.0
    surface: str = "home"


class Scored(Event, frozen=True):
    """Key: the viewer. All that was ranked for one request, of a sample of the requests.

    n candidates, best first; arrays are little-endian and C-ordered. `tweets` and `authors` int64
    [n], of roots; `heads` float32 [n, n_heads], `scores` float64 [n] before diversity, `features`
    float32 [n, n_features], `rows` uint32 [n, n_views, 2] of (schema id, seq) in the order of
    `views`. `now_ms` is the moment that the features were computed for. `multipliers` float64 [n, 3]
    are those of freshness, source and, after `scores`, author diversity; `places` int32 [n, 2] the place
    without diversity, from 0, and how many of its author stand above; empty where nobody wrote them.
    `seen` float64 [n] multiplied the scores too, empty where nothing did.
    """

    type_name = "feed.scored"
    topic = SCORED

    viewer: int
    request_id: bytes
    now_ms: int
    slate: str
    model: str
    objective: str
    schema_hash: str
    sources: list[str]
    views: list[str]
    tweets: bytes
    authors: bytes
    heads: bytes
    scores: bytes
    features: bytes
    rows: bytes
    policy: str = "default"
    multipliers: bytes = b""
    places: bytes = b""
    seen: bytes = b""


class DeadLetter(Event, frozen=True):
    """Key: the key of the event that could not be handled."""

    type_name = "dead.letter"
    topic = DEAD_LETTERS

    from_topic: str
    partition: int
    offset: int
    group: str
    error: str
    attempts: int
    raw: bytes


class DeadLetterRedriven(Event, frozen=True):
    """Key: that of the dead letter, whose id is `letter`: its event has been published once more."""

    type_name = "dead.letter.redriven"
    topic = DEAD_LETTERS

    letter: int


EVENTS: dict[str, type[Event]] = {
    event.type_name: event
    for event in (
        TweetCreated,
        TweetDeleted,
        FollowSet,
        BlockSet,
        MuteSet,
        LikeSet,
        RetweetSet,
        ReplySet,
        UserCreated,
        UserChanged,
        Viewed,
        Served,
        Scored,
        DeadLetter,
        DeadLetterRedriven,
    )
}

_encoder = msgspec.msgpack.Encoder()
_decoders: dict[str, msgspec.msgpack.Decoder[Any]] = {
    name: msgspec.msgpack.Decoder(event) for name, event in EVENTS.items()
}


def record_of(event: Event, *, id: int, ts_ms: int, key: int, ver: int | None = None) -> OutboxRecord:
    """The event in its envelope, ready for an outbox or the log; `ver` is its own id by default."""
    return OutboxRecord(
        event.topic,
        key,
        encode_envelope(
            type=event.type_name,
            id=id,
            ts_ms=ts_ms,
            key=key,
            ver=id if ver is None else ver,
            data=_encoder.encode(event),
        ),
    )


def decode_event(envelope: Envelope) -> Event | None:
    """The event inside; None where this code does not know its type; Corrupt where it is damaged."""
    decoder = _decoders.get(envelope.type)
    if decoder is None:
        return None
    try:
        event: Event = decoder.decode(envelope.data)
    except MALFORMED as exc:
        raise Corrupt(f"{envelope.type}: {exc}") from exc
    return event
