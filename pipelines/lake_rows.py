"""Events as rows of the lake's tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import Corrupt
from core.ids import MAX_TIME_MS
from eventlog.envelope import Envelope
from eventlog.schema import (
    EDGES,
    GRAPH,
    SCORED,
    SERVED,
    TWEETS,
    VIEWS,
    Event,
    FollowSet,
    LikeSet,
    ReplySet,
    RetweetSet,
    Served,
    TweetCreated,
    Viewed,
)
from stores.lake_tables import Table

TABLE_OF_TOPIC: Mapping[str, Table] = {
    SERVED: "served",
    SCORED: "scored",
    VIEWS: "views",
    EDGES: "edges",
    GRAPH: "follows",
    TWEETS: "tweets",
}

Row = tuple[Any, ...]

_KINDS: Mapping[type[Event], str] = {LikeSet: "like", ReplySet: "reply", RetweetSet: "retweet"}

_SIGN = 1 << 63
_MASK = (1 << 64) - 1


def rows_of(envelope: Envelope, event: Event) -> list[Row]:
    """The event's rows, in the order of its table's columns; none for an event that the lake leaves out.

    Raises Corrupt for a number that no column holds: it would fail the whole batch, every time.
    """
    if not 0 <= envelope.ts_ms <= MAX_TIME_MS:
        raise Corrupt(f"{envelope.type}: ts_ms is {envelope.ts_ms}, not a time that an id can hold")
    # Scored ones are matrices: `pipelines.lake_scored` takes them as they are.
    rows = _rows_of(envelope, event)
    for row in rows:
        for value in row:
            if type(value) is int and not -_SIGN <= value < _SIGN:
                raise Corrupt(f"{envelope.type}: {value} does not fit 64 bits")
    return rows


def _rows_of(envelope: Envelope, event: Event) -> list[Row]:
    match event:
        case Viewed():
            view = (
                event.viewer,
                event.request_id.hex(),
                event.tweet,
                event.author,
                event.kind,
                event.position,
                event.value_ms,
                event.surface,
            )
            return [(envelope.ts_ms, envelope.id, *view)]
        case LikeSet():
            return [_edge(envelope, event, None)]
        case RetweetSet():
            return [_edge(envelope, event, event.retweet)]
        case ReplySet():
            return [_edge(envelope, event, event.reply)]
        case FollowSet():
            return [(envelope.ts_ms, envelope.id, event.a, event.b, event.on, envelope.ver)]
        case TweetCreated():
            tweet = (
                event.tweet,
                event.author,
                event.created_ms,
                len(event.text),
                event.reply_to or 0,
                event.retweet_of or 0,
                event.media_kind,
            )
            return [(envelope.ts_ms, envelope.id, *tweet)]
        case Served():
            return _served_rows(envelope, event)
        case _:
            return []


def _edge(envelope: Envelope, event: LikeSet | RetweetSet | ReplySet, item: int | None) -> Row:
    edge = (event.user, event.tweet, event.author, event.on, envelope.ver, _KINDS[type(event)])
    return (envelope.ts_ms, envelope.id, *edge, item, event.request_id.hex() or None)


def _served_rows(envelope: Envelope, event: Served) -> list[Row]:
    page = (
        envelope.ts_ms,
        envelope.id,
        event.now_ms,
        event.request_id.hex(),
        event.viewer,
        event.algorithm,
        event.rung,
        event.reason,
        event.policy,
        event.model,
        event.objective,
        event.schema_hash,
        # A seed may use all 64 bits; the column keeps the same bits, signed.
        (event.seed + _SIGN & _MASK) - _SIGN,
        event.temperature,
    )
    return [
        (
            *page,
            item.tweet,
            item.author,
            item.position,
            item.source,
            item.heads,
            item.score,
            item.propensity,
            item.features,
            [{"view": view, "schema_id": row[0], "seq": row[1]} for view, row in item.rows.items()],
            event.surface,
            item.freshness,
            item.source_factor,
            item.diversity,
            item.place_before,
            item.author_rank,
            item.seen,
        )
        for item in event.items
    ]
