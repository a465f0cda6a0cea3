"""`rankfeed contracts`: the formats that others may rely on, said by the code that uses them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
import msgspec

from core.ids import EPOCH_MS
from eventlog import envelope
from eventlog.schema import EVENTS, FACT_TOPICS, TELEMETRY_TOPICS
from features import seen_list
from features.schema import FEATURES, SCHEMA_HASH, VIEWS
from feed_api import problems, signatures
from ranking import bundle, faults, objective
from stores import cached_tweet, popular, slates
from timelines import layout, relations, warmth

REDIS_KEYS: tuple[tuple[str, str, str], ...] = (
    (
        "tl:{user}",
        "list of decimal ids, newest first, sentinel 0 (complete) or 1 (building) at the tail",
        f"{layout.TTL_S} s",
    ),
    (
        "fs:{user}",
        f"followees: u8 version {relations.VERSION}, i64 version of the newest change, sorted i64 ids",
        f"{relations.TTL_S} s",
    ),
    (
        "bs:{user}",
        f"u8 version {relations.VERSION}, i64 version of the newest change, u32 how many are blocked, "
        "sorted i64 ids of the blocked (either way), then of the muted",
        f"{relations.TTL_S} s",
    ),
    (
        "fs:{user}:fill, bs:{user}:fill",
        "token of those who may fill what they read since; a change takes it away",
        f"{relations.TOKEN_S} s",
    ),
    ("rb:{user}", "token of the process that rebuilds the timeline", "5 s"),
    (
        "tw:id",
        f"u8 version {cached_tweet.VERSION}, MessagePack array of a tweet; or a tombstone, u8 0, and its "
        "reason, u8 1 (deleted)",
        f"{cached_tweet.TTL_S} s ± {cached_tweet.TTL_SPREAD:.0%}, {cached_tweet.TOMBSTONE_TTL_S} s deleted",
    ),
    (
        "tc:id",
        f"4 u32, big-endian: likes, retweets, replies, flags ({cached_tweet.FLAG_DELETED} deleted, "
        f"{cached_tweet.FLAG_HIDDEN} hidden)",
        f"{cached_tweet.TTL_S} s ± {cached_tweet.TTL_SPREAD:.0%}, {cached_tweet.TOMBSTONE_TTL_S} s deleted",
    ),
    ("sl:{user}:slate", f"u8 version {slates.VERSION}, MessagePack array of a slate", f"{slates.TTL_S} s"),
    (
        "sl:{user}:ids",
        f"list of a viewer's slates, newest first; those beyond {slates.SLATES_A_VIEWER} are deleted",
        f"{slates.TTL_S} s",
    ),
    (
        "sn:{user}",
        f"list of i64 ids that ranked pages served, `r` behind recommended ones, newest {slates.SERVED_KEPT}",
        f"{slates.SERVED_TTL_S} s",
    ),
    (
        "rl:{user}:class",
        "list of what was admitted, oldest first: ms, and what it was for (8 bytes, or none)",
        "the limit's window",
    ),
    ("f:view:entity, f:va:{viewer}:author", "packed feature row", "the view's ttl"),
    (
        "sv:{user}",
        f"u8 0xF6, u8 format 1, 6 bytes 0, i64 ids of the newest {seen_list.KEPT} roots that the user has "
        "looked at, oldest first",
        f"{seen_list.TTL_S} s",
    ),
    (
        "pop:v1",
        f"u8 version {popular.VERSION}, MessagePack array of ids and scores of what is popular, best first",
        f"{popular.TTL_S} s",
    ),
    ("f:epoch, f:epoch:{shard}", "marker of the features stream's last write, on each shard", "1 d"),
    ("f:complete, f:complete:{shard}", "all rows have been written since that shard was last empty", "1 d"),
    (
        "ph:warm, ph:warm:{shard}",
        "warm: active users' lists are there; a token: being brought back",
        f"{warmth.MARKER_TTL_S} s",
    ),
    ("sync:{shard}", "written before a WAIT for the shard's replica", "60 s"),
    (
        "chaos:v1",
        f"u8 version {faults.VERSION}, MessagePack array of the fault that `rankfeed chaos` gave",
        f"the fault's time, {faults.LONGEST_S:.0f} s at most",
    ),
    ("proc:id", "MessagePack map: what a process runs", "5 s"),
)


@click.command()
def contracts() -> None:
    """Print the formats that others may rely on: events, keys, rows, errors, manifests."""
    click.echo(describe())


def describe() -> str:
    """All contracts as text, ending without a newline."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "IDS"
    yield f"  Snowflake: 41 bits of ms since {EPOCH_MS}, datacenter 5, machine 5, sequence 12; JSON: decimal"
    yield ""
    yield f"EVENTS (envelope version {envelope.VERSION}, MessagePack)"
    yield f"  envelope: {_fields(envelope.Envelope)}"
    for name, event in EVENTS.items():
        kind = "fact" if event.topic in FACT_TOPICS else "telemetry"
        kind = kind if event.topic in (*FACT_TOPICS, *TELEMETRY_TOPICS) else "internal"
        yield f"  {event.topic:12} {name:14} {kind:10} {_fields(event)}"
    yield ""
    yield "REDIS"
    for key, value, expiry in REDIS_KEYS:
        yield f"  {key:38} {value}; expires after {expiry}"
    yield ""
    yield "FEATURE ROWS (u8 0xF5, u8 1, u16 schema id, u32 event_ts_s, u32 seq, f32 each field)"
    for view in VIEWS.values():
        names = ", ".join(field.name for field in view.fields)
        yield f"  {view.name:3} schema {view.schema_id}, {view.entity}: {names}"
    yield f"  model inputs ({SCHEMA_HASH[:12]}): {', '.join(FEATURES)}"
    yield ""
    yield "ERRORS (application/problem+json)"
    yield f"  {', '.join(problems.CODES)}"
    yield ""
    yield "TOKENS"
    yield (
        f"  cursor: base64url of MessagePack {{v: {signatures.CURSOR_VERSION}, m, b, s, p, f, t?}}, "
        f"{{v, m, b, u}} of a user's tweets, and {signatures.CURSOR_MAC_BYTES} bytes of HMAC; at most "
        f"{signatures.MAX_CURSOR_CHARS} characters"
    )
    yield (
        f"  tracking: base64url of u8 {signatures.TRACKING_VERSION}, request, tweet, author, position and "
        f"{signatures.TRACKING_MAC_BYTES} bytes of HMAC"
    )
    yield ""
    yield "DOCUMENTS"
    yield f"  bundle manifest {bundle.VERSION}: {_fields(bundle.Manifest)}"
    yield f"  objective {objective.VERSION}: {_fields(objective.Objective)}"


def _fields(struct: type[Any]) -> str:
    return ", ".join(
        field.encode_name if field.required else f"{field.encode_name}?"
        for field in msgspec.structs.fields(struct)
    )
