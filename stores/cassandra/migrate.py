"""The keyspace's schema: numbered CQL files, each applied once, whoever runs them and however often."""

from __future__ import annotations

import os
import secrets
import time
import uuid
from collections.abc import Callable, Sequence
from importlib import resources
from typing import NamedTuple

from cassandra import ConsistencyLevel
from cassandra.cluster import Session
from cassandra.query import SimpleStatement

from core.errors import ConfigurationError, Unavailable
from stores.cassandra.driver import open_cluster, open_session, translated
from stores.cassandra.options import CassandraOptions

LOCK_S = 60
"""How long a process that died keeps others from migrating."""
_ASK_EVERY_S = 0.2

_VERSIONS = """CREATE TABLE IF NOT EXISTS {keyspace}.schema_versions (
    name text, version int, owner text, PRIMARY KEY (name, version)
) WITH id = {id}"""
# The id hangs on the keyspace alone: two processes that make the table through two nodes at once make
# one. Left to the nodes it gets two ids, and what is written under one is lost (CASSANDRA-9933).
_IDS = uuid.UUID("5b1de3c8-6c1a-4a5e-9f0c-7d0c5a1f0001")
_LOCK_ROW = "VALUES ('lock', 0, %s) IF NOT EXISTS USING TTL %s"


class Migration(NamedTuple):
    version: int
    name: str
    statements: tuple[str, ...]


def known_migrations() -> tuple[Migration, ...]:
    """The files beside this one, `0001_<name>.cql` and on; a statement ends with a semicolon."""
    found = []
    for file in sorted(
        resources.files("stores.cassandra").joinpath("schema").iterdir(), key=lambda f: f.name
    ):
        if not file.name.endswith(".cql"):
            continue
        lines = [line for line in file.read_text("utf-8").splitlines() if not line.lstrip().startswith("--")]
        statements = tuple(part.strip() for part in "\n".join(lines).split(";") if part.strip())
        found.append(Migration(int(file.name[:4]), file.name, statements))
    return tuple(found)


def migrate(
    options: CassandraOptions,
    say: Callable[[str], None] = lambda line: None,
    known: Sequence[Migration] | None = None,
) -> int:
    """Brings the keyspace to this code's version, making it where it is not there; its version.

    Blocking. Safe to run twice, and from two processes at once: one does it, the other waits.
    Raises ConfigurationError where the keyspace is newer than the code or somebody holds the lock
    for too long, Unavailable while Cassandra is away.
    """
    known = known_migrations() if known is None else known
    cluster = open_cluster(options)
    try:
        session = open_session(cluster, options)
        with translated(options):
            # Asked first: whoever may do everything in the keyspace need not be allowed to make keyspaces.
            if not _is_there(session, options):
                _define(session, _keyspace(options), options)
            _define(session, _versions_table(options), options)
            _refuse_newer(_version(session, options), known, options)
            if _version(session, options) < known[-1].version:
                with_lock = _Lock(session, options)
                with_lock.take()
                try:
                    _apply(session, options, known, with_lock, say)
                finally:
                    with_lock.release()
            return _version(session, options)
    finally:
        cluster.shutdown()


def require_current(session: Session, options: CassandraOptions) -> None:
    """Raises ConfigurationError where the keyspace is not the one that this code was written for."""
    known = known_migrations()
    with translated(options):
        found = session.execute(
            "SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s "
            "AND table_name = 'schema_versions'",
            (options.keyspace,),
        ).one()
        version = 0 if found is None else _version(session, options)
    _refuse_newer(version, known, options)
    if version < known[-1].version:
        raise ConfigurationError(
            f"keyspace '{options.keyspace}' at {options.address} has schema version {version}, this code "
            f"needs {known[-1].version}: run `rankfeed migrate`"
        )


def _apply(
    session: Session,
    options: CassandraOptions,
    known: Sequence[Migration],
    lock: _Lock,
    say: Callable[[str], None],
) -> None:
    # Asked again: another process may have done it while this one waited.
    version = _version(session, options)
    _refuse_newer(version, known, options)
    for migration in known:
        if migration.version <= version:
            continue
        say(f"{options.keyspace}: {migration.name}")
        for statement in migration.statements:
            # Each says IF NOT EXISTS: a file that was cut short is run again from its beginning.
            _define(session, statement.replace("{keyspace}", options.keyspace), options)
            lock.renew()
        session.execute(
            _quorum(f"INSERT INTO {options.keyspace}.schema_versions (name, version) VALUES ('schema', %s)"),
            (migration.version,),
        )


class _Lock:
    """A row that one process holds; it ends by itself where that process died."""

    def __init__(self, session: Session, options: CassandraOptions) -> None:
        self._session = session
        self._table = f"{options.keyspace}.schema_versions"
        self._owner = f"{os.getpid()}-{secrets.token_hex(8)}"

    def take(self) -> None:
        end_s = time.monotonic() + 2 * LOCK_S
        while True:
            row = self._session.execute(
                _quorum(f"INSERT INTO {self._table} (name, version, owner) {_LOCK_ROW}"),
                (self._owner, LOCK_S),
            ).one()
            # It may stand there from a first try of ours whose answer was lost.
            if row[0] or self._owner in row:
                return
            if time.monotonic() > end_s:
                raise ConfigurationError(
                    f"another process has been migrating for {2 * LOCK_S} s and still is: look at what it "
                    "says, or end it and run `rankfeed migrate` again a minute later"
                )
            time.sleep(_ASK_EVERY_S)

    def renew(self) -> None:
        row = self._session.execute(
            _quorum(
                f"UPDATE {self._table} USING TTL %s SET owner = %s WHERE name = 'lock' AND version = 0 "
                "IF owner = %s"
            ),
            (LOCK_S, self._owner, self._owner),
        ).one()
        if not row[0]:
            raise Unavailable(
                "the migration took so long that its lock ended; run `rankfeed migrate` again, it goes on "
                "where this one stopped"
            )

    def release(self) -> None:
        self._session.execute(
            _quorum(f"DELETE FROM {self._table} WHERE name = 'lock' AND version = 0 IF owner = %s"),
            (self._owner,),
        )


def _is_there(session: Session, options: CassandraOptions) -> bool:
    found = session.execute(
        "SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = %s", (options.keyspace,)
    )
    return found.one() is not None


def _keyspace(options: CassandraOptions) -> str:
    return (
        f"CREATE KEYSPACE IF NOT EXISTS {options.keyspace} WITH replication = "
        f"{{'class': 'NetworkTopologyStrategy', '{options.datacenter}': {options.replication}}}"
    )


def _versions_table(options: CassandraOptions) -> str:
    return _VERSIONS.format(keyspace=options.keyspace, id=uuid.uuid5(_IDS, options.keyspace))


def _define(session: Session, statement: str, options: CassandraOptions) -> None:
    """Changes the schema and waits until every node that is up has it."""
    result = session.execute(SimpleStatement(statement), timeout=max(60.0, options.timeout_s))
    if not result.response_future.is_schema_agreed:
        raise Unavailable(
            "Cassandra's nodes do not agree on the schema yet: see that all are up, then run "
            "`rankfeed migrate` again"
        )


def _version(session: Session, options: CassandraOptions) -> int:
    rows = session.execute(
        _quorum(f"SELECT version FROM {options.keyspace}.schema_versions WHERE name = 'schema'")
    )
    return max((row[0] for row in rows), default=0)


def _refuse_newer(version: int, known: Sequence[Migration], options: CassandraOptions) -> None:
    if version > known[-1].version:
        raise ConfigurationError(
            f"keyspace '{options.keyspace}' at {options.address} has schema version {version}, this code "
            f"knows {known[-1].version}: run the newer code, or choose another keyspace"
        )


def _quorum(cql: str) -> SimpleStatement:
    return SimpleStatement(
        cql,
        consistency_level=ConsistencyLevel.LOCAL_QUORUM,
        serial_consistency_level=ConsistencyLevel.LOCAL_SERIAL,
    )
