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
_WRITES = (
    "SELECT table_name, count FROM system_views.local_write_latency"
    f" WHERE keyspace_name = '{KEYSPACE}' ALLOW FILTERING"
)


class Keyspace:
    """A migrated keyspace and a plain session to look behind the stores' backs."""

    def __init__(self, options: CassandraOptions, session: Session) -> None:
        self.options = options
        self.session = session
        tables = session.cluster.metadata.keyspaces[options.keyspace].tables
        self._tables = sorted(tables.keys() - {"schema_versions"})
        # How often each was written when it was emptied; None: nobody knows what is there.
        self._emptied: dict[str, int] | None = None

    @property
    def address(self) -> str:
        """Host, port and keyspace, as CassandraEngine takes them."""
        return f"{self.options.hosts[0]} {self.options.port} {self.options.keyspace}"

    def outbox_rows(self) -> int:
        """Writes that nobody has finished yet."""
        return len(self.session.execute("SELECT event_id FROM outbox").all())

    def empty(self) -> None:
        """Truncates what was written since it was called last, also where the rows are gone again: they leave
        marks, which would hide the same rows of the next test."""
        written = dict(self.session.execute(_WRITES).all())
        for table in self._tables:
            if self._emptied is None or written.get(table) != self._emptied.get(table):
                self.session.execute(f"TRUNCATE {table}", timeout=60)
        self._emptied = written


@pytest.fixture(scope="session")
def migrated_keyspace(cassandra_server: CassandraAddress) -> Iterator[Keyspace]:
    options = CassandraOptions(cassandra_server.hosts, cassandra_server.port, KEYSPACE)
    migrate(options)
    cluster = open_cluster(options)
    try:
        session = cluster.connect(options.keyspace)
        # Nobody starts this server again with what it holds; without a commit log, TRUNCATE flushes nothing.
        session.execute(f"ALTER KEYSPACE {KEYSPACE} WITH durable_writes = false")
        yield Keyspace(options, session)
    finally:
        cluster.shutdown()


@pytest.fixture
def keyspace(migrated_keyspace: Keyspace) -> Keyspace:
    migrated_keyspace.empty()
    return migrated_keyspace
