"""One keyspace for all suites of a run, emptied for each test: making one takes seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cassandra.cluster import Session

from stores.cassandra.driver import open_cluster
from stores.cassandra.migrate import migrate
from stores.cassandra.options import CassandraOptions
from tests.local_servers import CassandraAddress

KEYSPACE = "rankfeed_test"
# Their rows are deleted: one that looks empty may hold marks of that.
_MARKED = ("outbox", "tweets_by_author")


class Keyspace:
    """A migrated keyspace and a plain session to look behind the stores' backs."""

    def __init__(self, options: CassandraOptions, session: Session) -> None:
        self.options = options
        self.session = session
        self._tables = sorted(session.cluster.metadata.keyspaces[options.keyspace].tables)

    @property
    def address(self) -> str:
        """Host, port and keyspace, as CassandraEngine takes them."""
        return f"{self.options.hosts[0]} {self.options.port} {self.options.keyspace}"

    def outbox_rows(self) -> int:
        """Writes that nobody has finished yet."""
        return len(self.session.execute("SELECT event_id FROM outbox").all())

    def empty(self) -> None:
        dirty = [
            table
            for table in self._tables
            if table != "schema_versions" and self.session.execute(f"SELECT * FROM {table} LIMIT 1").one()
        ]
        # Rows that are gone leave marks, which would hide the same rows of the next test.
        for table in {*dirty, *(_MARKED if dirty else ())}:
            self.session.execute(f"TRUNCATE {table}", timeout=60)


@pytest.fixture(scope="session")
def migrated_keyspace(cassandra_server: CassandraAddress) -> Iterator[Keyspace]:
    options = CassandraOptions(cassandra_server.hosts, cassandra_server.port, KEYSPACE)
    migrate(options)
    cluster = open_cluster(options)
    try:
        yield Keyspace(options, cluster.connect(options.keyspace))
    finally:
        cluster.shutdown()


@pytest.fixture
def keyspace(migrated_keyspace: Keyspace) -> Keyspace:
    migrated_keyspace.empty()
    return migrated_keyspace
