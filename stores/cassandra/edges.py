"""An edge in its two tables, and what a change to it changed.

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
from typing import NamedTuple

from stores.cassandra.entry import EdgeVersions, timestamp_us
from stores.cassandra.months import month_of
from stores.cassandra.session import CassandraSession, Statement
from stores.partitioner import partition_of

BUCKETS = 16


def bucket_of(key: int) -> int:
    """Which of an aggregate's 16 partitions `key` lies in."""
    return partition_of(key, BUCKETS)


@dataclass(frozen=True, slots=True)
class EdgeTable:
    """One direction; `key` gives the row's primary key from the edge's two ends."""

    read: Statement
    write_on: Statement
    write_off: Statement
    key: Callable[[int, int], tuple[int, ...]]


class EdgeKind(NamedTuple):
    """`state` is the direction that is read to judge a change."""

    state: EdgeTable
    mirror: EdgeTable


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
    _table("following", ("follower", "followee"), lambda follower, followee: (follower, followee)),
    _table(
        "followers",
        ("followee", "b16", "follower"),
        lambda follower, followee: (followee, bucket_of(follower), follower),
    ),
)
LIKES = EdgeKind(
    _table("likes", ("tweet", "b16", "user"), lambda user, tweet: (tweet, bucket_of(user), user)),
    # The month is the tweet's: a like and its removal meet in one row.
    _table("likes_by_user", ("user", "yyyymm", "tweet"), lambda user, tweet: (user, month_of(tweet), tweet)),
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
            for table in kind
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
