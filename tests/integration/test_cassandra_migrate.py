"""Migrations: once each, whoever runs them; and a keyspace of another version is refused."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from cassandra import InvalidRequest

from core.errors import ConfigurationError
from stores.cassandra.assembly import open_cassandra
from stores.cassandra.migrate import Migration, known_migrations, migrate
from stores.cassandra.options import CassandraOptions
from tests.cassandra_keyspace import Keyspace
from tests.fakes import FakeClock
from tests.integration.cassandra_faults import RecordedLog

ONE = Migration(1, "0001_one.cql", ("CREATE TABLE IF NOT EXISTS {keyspace}.one (a int PRIMARY KEY)",))
TWO = Migration(2, "0002_two.cql", ("CREATE TABLE IF NOT EXISTS {keyspace}.two (a int PRIMARY KEY)",))


@pytest.fixture
def fresh(migrated_keyspace: Keyspace) -> Iterator[CassandraOptions]:
    """A keyspace that is not there."""
    options = replace(migrated_keyspace.options, keyspace="rankfeed_fresh")
    migrated_keyspace.session.execute("DROP KEYSPACE IF EXISTS rankfeed_fresh", timeout=60)
    yield options
    migrated_keyspace.session.execute("DROP KEYSPACE IF EXISTS rankfeed_fresh", timeout=60)


def tables(keyspace: Keyspace, name: str) -> set[str]:
    rows = keyspace.session.execute(
        "SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s", (name,)
    )
    return {row[0] for row in rows}


def test_each_file_is_applied_once(migrated_keyspace: Keyspace, fresh: CassandraOptions) -> None:
    said: list[str] = []
    assert migrate(fresh, said.append, [ONE]) == 1
    assert migrate(fresh, said.append, [ONE]) == 1
    assert migrate(fresh, said.append, [ONE, TWO]) == 2
    assert said == ["rankfeed_fresh: 0001_one.cql", "rankfeed_fresh: 0002_two.cql"]
    assert tables(migrated_keyspace, fresh.keyspace) == {"one", "two", "schema_versions"}


def test_of_several_at_once_one_migrates_and_the_others_wait(
    migrated_keyspace: Keyspace, fresh: CassandraOptions
) -> None:
    said: list[str] = []
    with ThreadPoolExecutor(3) as threads:
        versions = list(threads.map(lambda _: migrate(fresh, said.append, [ONE, TWO]), range(3)))
    assert versions == [2, 2, 2]
    assert len(said) == 2


def test_a_file_that_was_cut_short_is_run_again(migrated_keyspace: Keyspace, fresh: CassandraOptions) -> None:
    broken = TWO._replace(statements=(*TWO.statements, "CREATE TABLE {keyspace}.bad (a int)"))
    with pytest.raises(InvalidRequest, match="PRIMARY KEY"):
        migrate(fresh, known=[ONE, broken])
    assert migrate(fresh, known=[ONE, TWO]) == 2
    assert "two" in tables(migrated_keyspace, fresh.keyspace)


def test_a_newer_keyspace_is_refused(fresh: CassandraOptions) -> None:
    migrate(fresh, known=[ONE, TWO])
    with pytest.raises(ConfigurationError, match="schema version 2, this code knows 1: run the newer code"):
        migrate(fresh, known=[ONE])


async def test_stores_open_on_their_own_version_only(migrated_keyspace: Keyspace) -> None:
    options = migrated_keyspace.options
    session, newest = migrated_keyspace.session, known_migrations()[-1].version
    session.execute(
        "INSERT INTO schema_versions (name, version) VALUES ('schema', %s) USING TTL 60", (newest + 1,)
    )
    try:
        with pytest.raises(ConfigurationError, match="run the newer code"):
            async with open_cassandra(options, RecordedLog(), FakeClock()):
                pass
    finally:
        session.execute("DELETE FROM schema_versions WHERE name = 'schema' AND version = %s", (newest + 1,))
    with pytest.raises(ConfigurationError, match="`rankfeed migrate`"):
        async with open_cassandra(replace(options, keyspace="nowhere"), RecordedLog(), FakeClock()):
            pass
    with pytest.raises(ConfigurationError, match="has no datacenter 'dc9': set it to one of datacenter1"):
        async with open_cassandra(replace(options, datacenter="dc9"), RecordedLog(), FakeClock()):
            pass


def test_the_files_are_numbered_without_a_gap_and_can_be_repeated() -> None:
    known = known_migrations()
    assert [one.version for one in known] == list(range(1, len(known) + 1))
    for migration in known:
        assert all("IF NOT EXISTS" in statement for statement in migration.statements)


def test_a_keyspace_has_a_plain_name() -> None:
    with pytest.raises(ConfigurationError, match="letters, digits and underscores"):
        CassandraOptions(keyspace="rank; DROP")
