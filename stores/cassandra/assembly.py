"""Every store of one process, on one session and one outbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from core.clock import Clock
from stores.cassandra.answers import CassandraAnswerStore
from stores.cassandra.control import CassandraControlStore
from stores.cassandra.engagements import CassandraEngagementStore
from stores.cassandra.facts import Facts
from stores.cassandra.graph import CassandraGraphStore
from stores.cassandra.idempotency import Idempotency
from stores.cassandra.options import CassandraOptions
from stores.cassandra.outbox import CassandraOutbox
from stores.cassandra.publication import Publication, Publisher
from stores.cassandra.session import CassandraSession, connect
from stores.cassandra.tweet_rows import TweetRows
from stores.cassandra.tweets import CassandraTweetStore
from stores.cassandra.users import CassandraUserStore
from stores.cassandra.write_path import WritePath

_DRAIN_S = 2.0


@dataclass(frozen=True, slots=True)
class CassandraStores:
    """The ports, and for the relay the outbox and the facts behind it."""

    users: CassandraUserStore
    graph: CassandraGraphStore
    tweets: CassandraTweetStore
    engagements: CassandraEngagementStore
    answers: CassandraAnswerStore
    control: CassandraControlStore
    outbox: CassandraOutbox
    facts: Facts
    publication: Publication


def assemble(session: CassandraSession, publisher: Publisher, clock: Clock) -> CassandraStores:
    tweet_rows = TweetRows(session, clock)
    outbox, facts = CassandraOutbox(session, clock), Facts(session, tweet_rows)
    publication = Publication(publisher, outbox)
    path = WritePath(outbox, facts, publication, Idempotency(session, clock))
    return CassandraStores(
        users=CassandraUserStore(session, path),
        graph=CassandraGraphStore(session, path),
        tweets=CassandraTweetStore(session, path, tweet_rows),
        engagements=CassandraEngagementStore(session, path, clock),
        answers=CassandraAnswerStore(path),
        control=CassandraControlStore(session),
        outbox=outbox,
        facts=facts,
        publication=publication,
    )


@asynccontextmanager
async def open_cassandra(
    options: CassandraOptions, publisher: Publisher, clock: Clock
) -> AsyncIterator[CassandraStores]:
    """Connects; raises Unavailable while Cassandra is away, ConfigurationError for another schema."""
    session = await connect(options)
    try:
        async with over_session(session, publisher, clock) as stores:
            yield stores
    finally:
        await session.close()


@asynccontextmanager
async def over_session(
    session: CassandraSession, publisher: Publisher, clock: Clock
) -> AsyncIterator[CassandraStores]:
    """The stores on a session that somebody else opened, and closes.

    On leaving, what was written is published for two seconds more; the relay has the rest.
    """
    stores = assemble(session, publisher, clock)
    try:
        yield stores
    finally:
        await stores.publication.close(_DRAIN_S)
