"""An edge in its tables, one a direction, and what a change to it changed.

A row holds the highest version that set the edge and the highest that removed it, each written with
its own time, so repeats and disorder end in the same state. Whether a write changed anything is
answered by reading before it and again after it: of two writes at once, at least one sees the other.

A write that changes nothing is not told of. It may be wrong in that where a lower version was under
way that it did not see; that one then finds itself overtaken, and its relay tells of the state that
stands as well. So the highest version that consumers hear of is always that of the edge's state.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from stores.buckets import bucket_of
from stores.cassandra.entry import timestamp_us
from stores.cassandra.fact import EdgeVersions
from stores.cassandra.months import month_of
from stores.cassandra.session import CassandraSession, Statement


@dataclass(frozen=True, slots=True)
class EdgeTable:
    """One direction; `key` gives the row's primary key from the edge's two ends."""

    read: Statement
    write_on: Statement
    write_off: Statement
    key: Callable[[int, int], tuple[int, ...]]


class EdgeKind(NamedTuple):
    """`state` is the direction that is read to judge a change; not every edge is read both ways."""

    name: Literal["follow", "block", "mute", "like", "reply", "retweet"]
    state: EdgeTable
    mirror: EdgeTable | None = None

    @property
    def tables(self) -> tuple[EdgeTable, ...]:
        return (self.state,) if self.mirror is None else (self.state, self.mirror)


class Standing(NamedTuple):
    """An edge whose state is a later one than an entry tells of."""

    kind: EdgeKind
    a: int
    b: int
    state: EdgeVersions


def _table(name: str, columns: tuple[str, ...], key: Callable[[int, int], tuple[int, ...]]) -> EdgeTable:
    where = " AND ".join(f"{column} = ?" for column in columns)
    into = (
        f"INSERT INTO ks.{name} ({', '.join(columns)}, %s) VALUES (?{', ?' * len(columns)}) USING TIMESTAMP ?"
    )
    return EdgeTable(
        read=Statement(f"SELECT on_ver, off_ver FROM ks.{name} WHERE {where}"),
        write_on=Statement(into % "on_ver"),
        write_off=Statement(into % "off_ver"),
        key=key,
    )


FOLLOWS = EdgeKind(
    "follow",
    _table("following", ("follower", "followee"), lambda follower, followee: (follower, followee)),
    _table(
        "followers",
        ("followee", "b16", "follower"),
        lambda follower, followee: (followee, bucket_of(follower), follower),
    ),
)
BLOCKS = EdgeKind(
    "block",
    _table("blocks", ("user", "other"), lambda user, other: (user, other)),
    _table("blocked_by", ("user", "other"), lambda user, other: (other, user)),
)
MUTES = EdgeKind("mute", _table("mutes", ("user", "other"), lambda user, other: (user, other)))
LIKES = EdgeKind(
    "like",
    _table("likes", ("tweet", "b16", "user"), lambda user, tweet: (tweet, bucket_of(user), user)),
    # The month is the tweet's: a like and its removal meet in one row.
    _table("likes_by_user", ("user", "yyyymm", "tweet"), lambda user, tweet: (user, month_of(tweet), tweet)),
)
# Set once, by the tweet itself, whose id is the version; removed by its deletion.
REPLIES = EdgeKind(
    "reply",
    _table("replies", ("tweet", "b16", "reply"), lambda reply, tweet: (tweet, bucket_of(reply), reply)),
)
RETWEETS = EdgeKind(
    "retweet",
    _table(
        "retweets", ("tweet", "b16", "retweet"), lambda retweet, tweet: (tweet, bucket_of(retweet), retweet)
    ),
)


async def read_edge(session: CassandraSession, kind: EdgeKind, a: int, b: int) -> EdgeVersions:
    rows = await session.rows(kind.state.read, *kind.state.key(a, b))
    return EdgeVersions(rows[0][0] or 0, rows[0][1] or 0) if rows else EdgeVersions()


async def write_edge(
    session: CassandraSession, kind: EdgeKind, a: int, b: int, *, on: bool, ver: int
) -> None:
    at_us = timestamp_us(ver)
    await asyncio.gather(
        *(
            session.write(table.write_on if on else table.write_off, *table.key(a, b), ver, at_us)
            for table in kind.tables
        )
    )


def has_changed(before: EdgeVersions, after: EdgeVersions, *, on: bool, ver: int) -> bool:
    """Whether `ver` changed the edge's state; `before` was read before it was written, `after` after.

    What arrived in between counts as before where its version is lower.
    """
    earlier = EdgeVersions(
        max(before.on, after.on if after.on < ver else 0),
        max(before.off, after.off if after.off < ver else 0),
    )
    return earlier.is_on != on


async def are_blocked(session: CassandraSession, a: int, b: int) -> bool:
    """Whether one of the two blocks the other."""
    one, other = await asyncio.gather(read_edge(session, BLOCKS, a, b), read_edge(session, BLOCKS, b, a))
    return one.is_on or other.is_on


async def end_follow(session: CassandraSession, follower: int, followee: int) -> EdgeVersions:
    """Ends a follow over which a block stands, above its own version; the state that stands then."""
    state = await read_edge(session, FOLLOWS, follower, followee)
    if not state.is_on:
        return state
    await write_edge(session, FOLLOWS, follower, followee, on=False, ver=state.on + 1)
    return EdgeVersions(state.on, state.on + 1)


def was_ended(state: EdgeVersions) -> bool:
    """Whether a block ended the follow, rather than who followed: then nobody else may have told of it."""
    return state.on > 0 and state.off == state.on + 1
